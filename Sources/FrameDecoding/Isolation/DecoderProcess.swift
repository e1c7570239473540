import CLinux
import Glibc
import Synchronization
import SystemPackage

/// A child of this process that decodes: this very program, started again. It can read what it is handed and write into
/// its arena, and do nothing else (`Confinement`).
///
/// It answers: this process asks, and waits until there is an answer or none can come any more. Used by one thread at a
/// time.
final class DecoderProcess: Sendable {
  /// Where it writes frames.
  let arena: FrameArena

  private let child: ChildProcess
  private let socket: MessageSocket
  private let state = Mutex(State())

  private struct State {
    var buffer: [UInt8] = []
    /// What the kernel could not hold it to, in words; nil before it has said that it is ready.
    var lacking: [String]?
  }

  /// The child is of no use any more. The text follows "the decoder".
  struct Failure: Error, Equatable {
    enum Kind {
      /// It died, or broke the rules and was ended.
      case dead
      /// Nothing can be read of its file.
      case blocked
      /// The run is being stopped.
      case stopped
    }

    var kind = Kind.dead
    var text: String
  }

  /// How long an answer is waited for.
  struct Patience {
    /// Processor time that a child may use without a word. (A picture of 2^28 pixels takes a slow machine a minute.)
    var processorTime = Duration.seconds(600)
    /// How long it may wait for its file; nil: for ever.
    var blocked: Duration?
    var cancellation: MediaCancellation

    /// As the limits of an input say: the clock of reads is that of silence, too.
    init(limits: MediaLimits, cancellation: MediaCancellation) {
      processorTime = limits.readTimeout ?? processorTime
      blocked = limits.readTimeout
      self.cancellation = cancellation
    }
  }

  /// The word by which the program knows that it is to be a child.
  static let command = "decode-frames"

  /// How long a child that has closed its socket is given to be dead.
  private static let deathMilliseconds = 2000
  private static let pollMilliseconds: Int32 = 100
  /// How long a child may take to start, however busy the machine is.
  private static let startTime = Duration.seconds(60)

  /// Starts a child, and does not wait for it.
  ///
  /// - Parameters:
  ///   - program: this program's file.
  ///   - maxPixels: of the largest picture.
  ///   - environment: what it gets beside `ChildEnvironment`, as NAME=VALUE.
  /// - Throws: why there is none.
  init(_ program: FilePath, maxPixels: Int, environment: [String]) throws(Failure) {
    do throws(Errno) {
      let arena = try FrameArena(maxPixels: maxPixels)
      let (parentEnd, childEnd) = try MessageSocket.pair()
      child = try ChildStarter.shared.run {
        Result { () throws(Errno) in
          try ChildProcess(
            program, [Self.command, String(getpid())],
            environment: ChildEnvironment.ofThisProcess + environment,
            socket: childEnd.descriptor, memory: arena.descriptor)
        }
      }.get()
      (self.arena, socket) = (arena, parentEnd)
    } catch {
      throw Self.unstarted(error, maxPixels)
    }
  }

  /// Makes the child a copy of this process, which must have one thread (`EarlyDecoder`).
  ///
  /// - Parameter maxPixels: of the largest picture.
  /// - Throws: why there is none.
  init(copyingThisProcessFor maxPixels: Int) throws(Failure) {
    do throws(Errno) {
      let arena = try FrameArena(maxPixels: maxPixels)
      let (parentEnd, childEnd) = try MessageSocket.pair()
      let parent = getpid()
      let id = clinux_copy_process(childEnd.descriptor.rawValue, arena.descriptor.rawValue)
      if id == 0 {
        ChildEnvironment.forgetTheRest()
        DecoderServer.run(["", Self.command, String(parent)])
      }
      guard id > 0 else { throw Errno(rawValue: -id) }
      child = ChildProcess(id)
      (self.arena, socket) = (arena, parentEnd)
    } catch {
      throw Self.unstarted(error, maxPixels)
    }
  }

  private static func unstarted(_ error: Errno, _ maxPixels: Int) -> Failure {
    guard error == .fileTooLarge else { return Failure(text: "cannot be started: \(error)") }
    let mebibytes = FrameArena.capacity(forPixels: maxPixels) >> 20
    return Failure(
      text: "cannot be started: the limit of file sizes (ulimit -f) leaves no room for the "
        + "\(mebibytes) MiB that it may share with this one")
  }

  /// Waits until it is confined.
  ///
  /// - Returns: what the kernel could not hold it to, in words.
  /// - Throws: why it is of no use.
  func ready() throws(Failure) -> [String] {
    if let lacking = state.withLock({ $0.lacking }) { return lacking }
    let limit = ContinuousClock.now + Self.startTime
    while !socket.wait(milliseconds: Self.pollMilliseconds) {
      if ContinuousClock.now > limit { throw Failure(text: "does not start") }
    }
    guard case .ready(let lacking) = try receive() else {
      throw Failure(text: "says something else than that it is ready")
    }
    state.withLock { $0.lacking = lacking }
    return lacking
  }

  /// Whether it has died since it was last asked something.
  var isDead: Bool { child.isDead }

  /// Has it give way to others as the thread does that calls this, as if it had just been started.
  func giveWay() { child.giveWay() }

  /// Ends it.
  func end() { child.end() }

  /// Tells it something, and a descriptor with it. Where it is dead, the next answer says how it died.
  func send(_ request: DecoderRequest, with file: FileDescriptor? = nil) throws(Failure) {
    do throws(Errno) {
      // One that listens has read what came before: there is room, and nobody waits for one that does not.
      try socket.send(request.message, with: file, waits: false)
    } catch {
      if error == .wouldBlock { throw Failure(text: "does not listen, and was ended,") }
      guard error == .brokenPipe || error == .connectionReset else {
        throw Failure(text: "cannot be told anything: \(error)")
      }
    }
  }

  /// Waits for its next answer.
  func receive(_ patience: Patience) throws(Failure) -> DecoderReply {
    try wait(patience)
    return try receive()
  }

  private func wait(_ patience: Patience) throws(Failure) {
    // One that always has something to say is stopped, too.
    if patience.cancellation.isCancelled { throw Failure(kind: .stopped, text: "stopped") }
    let start = ContinuousClock.now
    let used = child.processorTime ?? .zero
    // When it last got on with something.
    var (seen, seenAt) = (used, start)
    while !socket.wait(milliseconds: Self.pollMilliseconds) {
      if patience.cancellation.isCancelled { throw Failure(kind: .stopped, text: "stopped") }
      // One that is gone has closed its socket, which is heard next.
      guard let now = child.processorTime else { continue }
      if now - used > patience.processorTime {
        throw Failure(
          text: "used \(patience.processorTime) of processor time without a frame, and was ended,")
      }
      if now > seen { (seen, seenAt) = (now, .now) }
      if let limit = patience.blocked, seenAt.duration(to: .now) > limit {
        throw Failure(kind: .blocked, text: "waits for its file")
      }
    }
  }

  private func receive() throws(Failure) -> DecoderReply {
    try state.withLock { state throws(Failure) in
      do {
        guard let (count, file) = try socket.receive(into: &state.buffer) else {
          throw Failure(
            text: child.death(within: Self.deathMilliseconds)
              ?? "closed its connection, and was ended,")
        }
        // Nobody asked for a file.
        if let file { close(file.rawValue) }
        return try DecoderReply(state.buffer[..<count])
      } catch let error as Failure {
        throw error
      } catch {
        throw Self.lie("\(error)")
      }
    }
  }

  /// What it said cannot be.
  static func lie(_ text: String) -> Failure {
    Failure(text: "said what cannot be (\(text)), and was ended,")
  }
}

/// The variables that a child gets: those of the loader and of tools that look for errors. The rest may be secrets.
enum ChildEnvironment {
  private static let prefixes = [
    "LD_", "LIBHEIF_", "GLIBC_TUNABLES=", "MALLOC_", "ASAN_", "LSAN_", "TSAN_", "UBSAN_",
    "LLVM_PROFILE_FILE=",
  ]

  private static func isKept(_ variable: String) -> Bool {
    #if DEBUG
      if variable.hasPrefix("DETECT_BATCH_DECODER_FAULT=") { return true }
    #endif
    return prefixes.contains { variable.hasPrefix($0) }
  }

  static var ofThisProcess: [String] {
    // Swift's own reports of a crash are made by another program, which a child may not start: it would die of that.
    var variables = ["SWIFT_BACKTRACE=enable=no"]
    var next = environ
    while let variable = next.pointee {
      let text = String(cString: variable)
      if isKept(text) { variables.append(text) }
      next += 1
    }
    return variables
  }

  /// Overwrites all other variables of this process, which has one thread.
  static func forgetTheRest() {
    var (next, kept) = (environ, environ)
    while let variable = next.pointee {
      if isKept(String(cString: variable)) {
        kept.pointee = variable
        kept += 1
      } else {
        memset(variable, 0, strlen(variable))
      }
      next += 1
    }
    kept.pointee = nil
  }
}
