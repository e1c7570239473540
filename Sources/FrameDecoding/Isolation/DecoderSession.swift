import SystemPackage

/// One input's use of a decoder process.
final class DecoderSession {
  let process: DecoderProcess
  /// Of the input; the picture gate and the clock are asked here, the rest by the process.
  let limits: MediaLimits

  private let patience: DecoderProcess.Patience
  /// Where the process goes when it may be used again.
  private let giveBack: @Sendable (DecoderProcess) -> Void
  private var isUsable = true

  /// Begins to use a process that is idle.
  init(
    _ process: DecoderProcess, limits: MediaLimits, cancellation: MediaCancellation,
    giveBack: @escaping @Sendable (DecoderProcess) -> Void
  ) {
    self.process = process
    self.limits = limits
    self.giveBack = giveBack
    patience = DecoderProcess.Patience(limits: limits, cancellation: cancellation)
  }

  deinit {
    guard isUsable else { return }
    do {
      try process.send(.close)
      giveBack(process)
    } catch {
      process.end()
    }
  }

  func send(
    _ request: DecoderRequest, with file: FileDescriptor? = nil
  ) throws(DecoderProcess.Failure) {
    try process.send(request, with: file)
  }

  /// Waits for the next answer that is about the input, and does what is asked for on the way.
  func answer() throws(DecoderProcess.Failure) -> DecoderReply {
    while true {
      switch try process.receive(patience) {
      case .progress: continue
      case .asksForMemory(let bytes):
        limits.pictureGate?.wait(bytes: bytes)
        try process.send(.pass)
      case let reply: return reply
      }
    }
  }

  /// Runs `body`; if the process is of no use after it, ends it and says so of the input.
  func translating<Value>(
    _ place: String, _ body: () throws(DecoderProcess.Failure) -> Value
  ) throws(MediaError) -> Value {
    do throws(DecoderProcess.Failure) {
      return try body()
    } catch {
      isUsable = false
      process.end()
      switch error.kind {
      case .dead:
        throw MediaError(.data, "the decoder \(error.text) \(place)", isDeathOfDecoder: true)
      case .blocked: throw FileSource.tooSlow("reading", limits)
      case .stopped: throw MediaError(.access, error.text)
      }
    }
  }

  /// Ends the process, which said what cannot be before there was a frame.
  func lie(_ text: String) -> MediaError {
    isUsable = false
    process.end()
    return MediaError(
      .data, "the decoder \(DecoderProcess.lie(text).text)", isDeathOfDecoder: true)
  }
}
