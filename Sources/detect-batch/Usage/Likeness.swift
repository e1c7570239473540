/// How much one word is like another: for typing errors.
enum Likeness {
  /// Letters to insert, drop, change or swap with their neighbour until one word is the other (the optimal string
  /// alignment distance).
  static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for row in first.indices {
      var next = [row + 1]
      for column in second.indices {
        let change = first[row] == second[column] ? 0 : 1
        var least = min(next[column] + 1, last[column + 1] + 1, last[column] + change)
        if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
          least = min(least, beforeLast[column - 1] + 1)
        }
        next.append(least)
      }
      (beforeLast, last) = (last, next)
    }
    return last[second.count]
  }

  /// The words that a typing error may have been meant for, and how far they are from it: those that are nearest, if
  /// they are near. One letter in three to five may be wrong, two in up to nine, three in more.
  static func nearest(
    to typed: String, among words: some Sequence<String>
  ) -> (words: [String], distance: Int)? {
    let typed = normal(typed)
    let allowed: Int
    switch typed.unicodeScalars.count {
    case ...2: allowed = 0
    case ...5: allowed = 1
    case ...9: allowed = 2
    default: allowed = 3
    }
    let near = words.map { (word: $0, distance: distance(typed, normal($0))) }
      .filter { $0.distance <= allowed }
    guard let least = near.map(\.distance).min() else { return nil }
    return (near.filter { $0.distance == least }.map(\.word), least)
  }

  /// The words that go on where a typed one ends at a hyphen, as `batch-size` does after `batch`; none where there are
  /// more than four.
  static func continuations(of typed: String, among words: some Sequence<String>) -> [String] {
    let typed = normal(typed)
    let found = words.filter { typed.count >= 3 && $0.hasPrefix(typed + "-") }
    return found.count <= 4 ? found : []
  }

  /// Some write options in capitals or with underscores.
  static func normal(_ word: String) -> String {
    String(word.lowercased().map { $0 == "_" ? "-" : $0 })
  }
}
