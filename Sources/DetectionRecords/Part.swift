/// Part `index` of `count`, counted from 1, as `--shard 2/5` and `--segment 2/5` say it.
public struct Part: Hashable, Sendable, CustomStringConvertible {
  /// Most parts there may be: more than any scheduler starts, and few enough to ask for each of them.
  public static let mostParts = 10_000_000

  /// From 1 to `count`.
  public let index: Int
  /// From 1 to `mostParts`, unless a program says otherwise.
  public let count: Int

  /// A part; `index` must be in 1 ... `count`.
  public init(index: Int, count: Int) {
    precondition(1 <= index && index <= count, "part \(index) of \(count)")
    self.index = index
    self.count = count
  }

  /// Reads `I/N`; nil for anything else, for an I that is not in 1 ... N, and for an N above `mostParts`.
  public init?(_ text: String) {
    let fields = text.split(separator: "/", omittingEmptySubsequences: false)
    guard fields.count == 2, fields.allSatisfy({ $0.allSatisfy(\.isASCII) }),
      let index = Int(fields[0]), let count = Int(fields[1]), index >= 1, index <= count,
      count <= Self.mostParts
    else { return nil }
    self.init(index: index, count: count)
  }

  /// `I/N`.
  public var description: String { "\(index)/\(count)" }

  /// Whether this part, as a shard, has the input: those whose `stableHash` modulo `count` is `index - 1`.
  public func owns(_ source: SourceName) -> Bool {
    source.stableHash % UInt64(count) == UInt64(index - 1)
  }

  /// `I-of-N`, for file names.
  var fileName: String { "\(index)-of-\(count)" }
}

/// Which share of the work a run has: of the inputs, and of the frames of each.
public struct RunPartition: Hashable, Sendable {
  /// The inputs that this run takes; nil for all.
  public var shard: Part?
  /// The stretch of each input that this run takes; nil for the whole.
  public var segment: Part?

  /// All of the work, unless parts are given.
  public init(shard: Part? = nil, segment: Part? = nil) {
    self.shard = shard
    self.segment = segment
  }

  /// Runs of one scheme may go together on one output directory, each with another part.
  var scheme: String {
    switch (shard, segment) {
    case (nil, nil): "a run of all inputs"
    case (let shard?, nil): "runs of \(shard.count) shards"
    case (nil, let segment?): "runs of \(segment.count) segments"
    case (let shard?, let segment?): "runs of \(shard.count) shards and \(segment.count) segments"
    }
  }

  /// What the names of this run's own files end with; empty for a run of everything.
  var fileSuffix: String {
    (shard.map { "-" + $0.fileName } ?? "") + (segment.map { "-segment-" + $0.fileName } ?? "")
  }
}
