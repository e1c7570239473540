import DetectionRecords

/// The work of a run in the order in which it is done: what earlier runs died with in hand comes last and alone, so that
/// it takes nothing with it, and in the end is not tried again.
struct SuspectedWork: Sendable {
  /// All of it.
  let items: [WorkItem]
  /// Places of those that are done alone, which are the last.
  let alone: Range<Int>
  /// Places of those that have failed by that.
  let condemned: Set<Int>

  /// Ends of runs at which an input was in hand, after which it is done alone, and after which it is not done.
  private static let (aloneAfter, condemnedAfter) = (2, 3)

  static let condemnation =
    "three runs in a row ended without a word while they were at this input, at the same place: it is not tried again "
    + "(--retry-failed tries)"

  /// Sorts the work by what is known of earlier runs; without any, it stays as it is.
  init(_ work: [WorkItem], _ history: OutputHistory?) {
    let endings = work.map { history?.endings($0) ?? 0 }
    let isAlone = endings.map { $0 == Self.aloneAfter }
    let others = work.indices.filter { !isAlone[$0] }
    items = others.map { work[$0] } + work.indices.filter { isAlone[$0] }.map { work[$0] }
    alone = others.count..<work.count
    condemned = Set(
      others.enumerated().filter { endings[$0.element] >= Self.condemnedAfter }.map(\.offset))
  }

  /// What a person should know about it.
  var remarks: [String] {
    alone.isEmpty
      ? []
      : [
        "\(alone.count) inputs were in hand when two runs ended without a word: they are done last, and alone"
      ]
  }
}
