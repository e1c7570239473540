import DetectionRecords

/// Some elements of a stream, each as likely as any other: those with the smallest keys, which are random numbers made of
/// what an element is. So the sample depends on the seed and on the elements, not on the order in which they come.
struct SeededSample<Element> {
  /// The most that are kept.
  let capacity: Int
  /// How many there were.
  private(set) var total = 0
  /// By rising key.
  private var kept: [(key: UInt64, element: Element)] = []

  init(capacity: Int) { self.capacity = capacity }

  /// Takes one more element, which is made only if it is kept.
  mutating func offer(key: UInt64, _ element: @autoclosure () -> Element) {
    total += 1
    guard capacity > 0 else { return }
    if kept.count == capacity {
      guard let last = kept.last, key < last.key else { return }
      kept.removeLast()
    }
    var (low, high) = (0, kept.count)
    while low < high {
      let middle = (low + high) / 2
      if kept[middle].key <= key { low = middle + 1 } else { high = middle }
    }
    kept.insert((key, element()), at: low)
  }

  /// What is kept, in the order of chance.
  var elements: [Element] { kept.map(\.element) }
}

/// Makes the keys of one sample.
struct SampleKeys {
  private let seed: UInt64

  init(seed: UInt64) { self.seed = Self.mix(seed) }

  /// The key of a record: that of its source and of its frame, or of its line where frames have no numbers.
  func key(source: UInt64, record: Int) -> UInt64 {
    Self.mix(Self.mix(seed ^ source) ^ UInt64(bitPattern: Int64(record)))
  }

  /// SplitMix64 (Steele, Lea, Flood 2014): its step and its finaliser.
  private static func mix(_ value: UInt64) -> UInt64 {
    // Arithmetic modulo 2^64 is the definition.
    var mixed = value &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
