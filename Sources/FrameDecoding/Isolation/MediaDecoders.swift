import Synchronization
import SystemPackage

/// Opens inputs: in processes of their own that can do nothing but decode, or in this one.
///
/// A process serves one input after another. One that dies costs the input that it was at; the next input gets another.
public final class MediaDecoders: Sendable {
  /// Where inputs are decoded.
  public enum Isolation: String, CaseIterable, Sendable {
    /// In confined processes; where the kernel cannot confine them as it should, not at all.
    case required
    /// In processes that are confined as far as the kernel can; where none can be started, in this process.
    case on
    /// In this process.
    case off
  }

  private let isolation: Isolation
  private let program: FilePath
  private let environment: [String]
  private let isThisProgram: Bool
  let earlierThreads: [ThreadOfProgram]
  private let note: @Sendable (Note) -> Void
  private let state = Mutex(State())

  /// What a person may want to know.
  public enum Note: Sendable {
    /// Inputs are decoded in this process, and why.
    case notIsolated(String)
    /// What the kernel does not offer to confine a process.
    case lacking([String])
    /// What it does not offer to confine this process.
    case lackingHere([String])
  }

  /// As the kernel calls it for whoever asks.
  public static let thisProgram: FilePath = "/proc/self/exe"

  private struct State {
    var idle: [DecoderProcess] = []
    /// Whether inputs are decoded elsewhere; nil before that is known.
    var isIsolated: Bool?

    /// The one that was used last. Those that died since are left out.
    mutating func takeIdle() -> DecoderProcess? {
      while let process = idle.popLast() {
        if !process.isDead { return process }
      }
      return nil
    }
  }

  /// Whether inputs are to be decoded in processes of their own.
  public var isIsolating: Bool { isolation != .off }

  /// Nothing is started yet.
  ///
  /// - Parameters:
  ///   - isolation: where inputs are decoded.
  ///   - program: a program that calls `DecoderServer.run` where `DecoderServer.isMeant`. The default is this one.
  ///   - note: told once what a person may want to know, from whatever thread.
  ///   - earlierThread: one that is to give up rights, too (`keepOnly`).
  public convenience init(
    _ isolation: Isolation, program: FilePath = thisProgram,
    note: @escaping @Sendable (Note) -> Void = { _ in }, earlierThread: ThreadOfProgram? = nil
  ) {
    self.init(
      isolation, program: program, environment: [], note: note, earlierThread: earlierThread)
  }

  /// As above; processes get these variables, NAME=VALUE, too.
  init(
    _ isolation: Isolation, program: FilePath, environment: [String],
    note: @escaping @Sendable (Note) -> Void, earlierThread: ThreadOfProgram? = nil
  ) {
    self.isolation = isolation
    self.program = program
    self.environment = environment
    earlierThreads = earlierThread.map { [$0] } ?? []
    isThisProgram = program == Self.thisProgram && environment.isEmpty
    self.note = note
  }

  /// Starts the first process, if there is to be one, and does not wait for it.
  public func prepare() {
    guard isolation != .off else {
      EarlyDecoder.take()?.end()
      return
    }
    guard state.withLock({ $0.isIsolated == nil && $0.idle.isEmpty }) else { return }
    do throws(DecoderProcess.Failure) {
      let process = try start()
      state.withLock { $0.idle.append(process) }
    } catch {
      // The first input finds the same, and says so.
    }
  }

  /// Opens an input.
  ///
  /// - Parameters:
  ///   - path: a regular file, or links to one.
  ///   - sampling: as for `MediaReader`, and so are `limits`, `sampledFrames` and `cancellation`. A decoder process is
  ///     ended, and its input a data failure, once it has used `limits.readTimeout` (else ten minutes) of processor time
  ///     without a frame.
  ///   - limits: when to give up.
  ///   - sampledFrames: how many of the first sampled frames to leave out.
  ///   - cancellation: stops the reading from another thread.
  ///   - lattice: which pixels of a picture are wanted; nil: all of every picture.
  /// - Returns: its frames.
  /// - Throws: an access failure if the file cannot be read, a data failure if it has no decodable video.
  public func open(
    _ path: FilePath, sampling: FrameSampling = .init(), limits: MediaLimits = .init(),
    skipping sampledFrames: Int = 0, cancellation: MediaCancellation = .init(),
    lattice: LatticeRule? = nil
  ) throws(MediaError) -> any DrawableSource {
    guard let process = try process() else {
      return try MediaReader(
        path: path, sampling: sampling, limits: limits, skipping: sampledFrames,
        cancellation: cancellation, lattice: lattice)
    }
    let session = session(process, limits, cancellation)
    let request = OpenRequest(
      fileExtension: path.extension, sampling: sampling, limits: limits, skipping: sampledFrames,
      hasGate: limits.pictureGate != nil, hasLattice: lattice != nil)
    return try IsolatedReader(
      session, try FileSource.openFile(path, limits), request, lattice: lattice)
  }

  /// Opens the sound of an input; nil if it has none. Of several tracks, the one that `SoundReader` takes.
  ///
  /// - Parameters:
  ///   - path: a regular file, or links to one.
  ///   - cancellation: stops the reading from another thread.
  /// - Returns: its sound.
  /// - Throws: an access failure if the file cannot be read, a data failure if it is no container.
  public func openSound(
    _ path: FilePath, cancellation: MediaCancellation = .init()
  ) throws(MediaError) -> (any SoundSource)? {
    guard let process = try process() else {
      return try SoundReader(path: path, cancellation: cancellation).map(OpenSound.init)
    }
    let limits = MediaLimits()
    return try IsolatedSound(
      session(process, limits, cancellation), try FileSource.openFile(path, limits),
      fileExtension: path.extension)
  }

  private func session(
    _ process: DecoderProcess, _ limits: MediaLimits, _ cancellation: MediaCancellation
  ) -> DecoderSession {
    DecoderSession(process, limits: limits, cancellation: cancellation) { [self] process in
      state.withLock { $0.idle.append(process) }
    }
  }

  /// Makes sure that inputs are decoded as was asked for.
  ///
  /// - Throws: why not, in words.
  public func require() throws(MediaError) {
    guard isolation == .required else { return }
    if let process = try process() { state.withLock { $0.idle.append(process) } }
  }

  func tell(_ note: Note) { self.note(note) }

  /// One that nobody uses; nil where inputs are decoded here.
  private func process() throws(MediaError) -> DecoderProcess? {
    if isolation == .off { return nil }
    let (isIsolated, idle) = state.withLock { ($0.isIsolated, $0.takeIdle()) }
    if isIsolated == false { return nil }
    do throws(DecoderProcess.Failure) {
      let process: DecoderProcess
      if let idle { process = idle } else { process = try start() }
      try decide(process.ready())
      return process
    } catch {
      // Later on, one that cannot be started is no reason to decode with all rights what may have been the cause.
      guard isolation == .on, state.withLock({ $0.isIsolated == nil }) else {
        throw MediaError(.access, "the decoder \(error.text)")
      }
      state.withLock { $0.isIsolated = false }
      note(.notIsolated("a decoder process \(error.text)"))
      return nil
    }
  }

  private func start() throws(DecoderProcess.Failure) -> DecoderProcess {
    if isThisProgram, let early = EarlyDecoder.take() {
      early.giveWay()
      return early
    }
    return try DecoderProcess(program, maxPixels: MediaLimits().maxPixels, environment: environment)
  }

  /// Notes that processes can be had, once.
  private func decide(_ lacking: [String]) throws(DecoderProcess.Failure) {
    let isFirst = state.withLock { state in
      defer { state.isIsolated = true }
      return state.isIsolated == nil
    }
    guard !lacking.isEmpty else { return }
    if isolation == .required {
      throw DecoderProcess.Failure(
        text: "cannot be confined: \(lacking.joined(separator: "; "))")
    }
    if isFirst { note(.lacking(lacking)) }
  }
}
