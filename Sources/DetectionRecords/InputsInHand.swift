import Digests
import Files
import Synchronization
import SystemPackage

/// Which inputs a run is at, kept where the next run finds them if this one ends without a word: killed for memory, by a
/// loss of power, by a fault of its own.
///
/// `OUT/.detect-batch/in-hand[-I-of-N].log` has a line for each step, and is gone where every run ended in order:
///
///     + ID FRAMES SOURCE          an input was begun, which has so many records already
///     - ID                        it is done, or left to another run
///     = ID ENDINGS FRAMES         so many runs ended with it in hand, and none of them got beyond so many records
///
/// Not synchronised: a page that is lost with the power takes the blame off an input, no more.
public final class InputsInHand: Sendable {
  private let path: FilePath
  private let state: Mutex<State>

  fileprivate struct State {
    var blamed: [String: Blame] = [:]
    /// Records at the beginning, of inputs that are begun and not done.
    var begun: [String: Int] = [:]
    var log: OpenFile?
  }

  fileprivate struct Blame {
    var endings: Int
    var frames: Int
  }

  /// Reads what the runs before left, which counts as one more ending of each input that is still in hand.
  ///
  /// - Throws: `FileError` where the file cannot be used.
  public init(_ output: OutputDirectory, _ partition: RunPartition) throws(FileError) {
    path = output.state.appending("in-hand\(partition.fileSuffix).log")
    var state = State()
    // The usual case: there is none. One that cannot be read blames nobody.
    if let bytes = try? WholeFile.read(path, limit: 16 << 20) {
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        state.take(line.split(separator: " ", maxSplits: 3))
      }
    }
    state.blameWhatIsInHand()
    self.state = Mutex(state)
    try self.state.withLock { state throws(FileError) in try Self.rewrite(&state, path) }
  }

  /// How many runs in a row ended with this input in hand, without a record more from one to the next.
  public func endings(_ key: OutputKey) -> Int {
    state.withLock { $0.blamed[Self.id(key)]?.endings ?? 0 }
  }

  /// An input is begun, of which there are so many records.
  public func begin(_ key: OutputKey, frames: Int) throws(FileError) {
    let id = Self.id(key)
    try state.withLock { state throws(FileError) in
      state.begun[id] = frames
      try state.append("+ \(id) \(frames) \(key.source.oneLine)", path)
    }
  }

  /// An input is done, or is left to another run.
  public func end(_ key: OutputKey) throws(FileError) {
    let id = Self.id(key)
    try state.withLock { state throws(FileError) in
      state.begun[id] = nil
      state.blamed[id] = nil
      try state.append("- \(id)", path)
    }
  }

  /// The run ends in order: what is in hand is nobody's fault.
  public func close() throws(FileError) {
    try state.withLock { state throws(FileError) in
      state.begun = [:]
      do throws(FileError) { try Self.rewrite(&state, path) } catch {
        // On a full disk. Removing needs no room, and blames nobody.
        try OpenFile.remove(path)
      }
    }
  }

  private static func rewrite(_ state: inout State, _ path: FilePath) throws(FileError) {
    state.log = nil
    guard !state.blamed.isEmpty else { return try OpenFile.remove(path) }
    let lines = state.blamed.sorted { $0.key < $1.key }
      .map { "= \($0.key) \($0.value.endings) \($0.value.frames)\n" }
    do throws(AtomicFile.Failure) {
      try AtomicFile.replace(path, with: lines.joined().utf8, isDurable: false)
    } catch {
      throw error.error(of: path)
    }
  }

  /// Of this version of the input, with these settings.
  private static func id(_ key: OutputKey) -> String {
    let segment = key.segment.map { " \($0)" } ?? ""
    return String(
      SHA256Digest.hexadecimal(of: "\(key.source.oneLine)\(key.versionSuffix)\(segment)").prefix(32)
    )
  }
}

extension InputsInHand.State {
  /// Takes one line of the file; one that is torn says nothing.
  fileprivate mutating func take(_ words: [Substring]) {
    func number(_ place: Int) -> Int? {
      words.count > place
        ? Int(words[place]).flatMap { (0...1 << 50).contains($0) ? $0 : nil } : nil
    }
    guard words.count >= 2 else { return }
    let id = String(words[1])
    switch words[0] {
    case "+": if let frames = number(2) { begun[id] = frames }
    case "-": (begun[id], blamed[id]) = (nil, nil)
    case "=":
      if let endings = number(2), let frames = number(3) {
        blamed[id] = .init(endings: endings, frames: frames)
      }
    default: break
    }
  }

  fileprivate mutating func blameWhatIsInHand() {
    for (id, frames) in begun {
      // A run that got further than the one before was ended by something else.
      let earlier = blamed[id].flatMap { $0.frames == frames ? $0.endings : nil } ?? 0
      blamed[id] = .init(endings: earlier + 1, frames: frames)
    }
    begun = [:]
  }

  fileprivate mutating func append(_ line: String, _ path: FilePath) throws(FileError) {
    if log == nil { log = try OpenFile(path, .writeOnly, options: [.create, .append]) }
    try log?.write(Array("\(line)\n".utf8))
  }
}
