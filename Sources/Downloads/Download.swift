import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Fetching of one file from an address, in as many pieces as it takes.
public struct Download: Sendable {
  /// What the server promised of the file: as Hugging Face's does, in headers of its own.
  public struct Promise: Equatable, Sendable {
    /// Bytes.
    public var size: Int?
    /// SHA-256 in 64 hexadecimal digits.
    public var sha256: String?

    /// Creates a promise.
    public init(size: Int? = nil, sha256: String? = nil) {
      self.size = size
      self.sha256 = sha256
    }
  }

  /// How many times a request that was cut goes on without having brought anything.
  private static let patience = 4

  /// Where from: http or https.
  public let address: String
  /// The most bytes there can be.
  public let limit: Int
  /// How long to wait after the first request that was cut, doubled after each that brings nothing.
  public let pause: Duration

  /// Describes a download.
  public init(address: String, limit: Int, pause: Duration = .seconds(1)) {
    self.address = address
    self.limit = limit
    self.pause = pause
  }

  /// An address without the name and the password that may be in it, for messages.
  public static func shown(_ address: String) -> String {
    guard let scheme = address.firstRange(of: "://") else { return address }
    let rest = address[scheme.upperBound...]
    guard let at = rest.prefix(while: { !"/?#".contains($0) }).lastIndex(of: "@") else {
      return address
    }
    return String(address[..<scheme.upperBound] + rest[rest.index(after: at)...])
  }

  /// Receives the file into `path`. What an earlier call left there is gone on from, if the server can, else begun anew;
  /// what this call leaves when it fails is for the next.
  ///
  /// - Parameters:
  ///   - path: is created if it is not there; its folder has to be.
  ///   - progress: called several times a second with the bytes that are there; says whether to go on.
  /// - Returns: what the server promised.
  /// - Throws: `DownloadError`.
  public func receive(
    into path: FilePath, progress: @escaping (Int) -> Bool
  ) throws(DownloadError) -> Promise {
    let file = try PartialDownload(path, of: address)
    var isTooLarge = false
    let transfer = Transfer()
    var promise = Promise()
    var fruitless = 0
    // Of a server that begins anew each time only what is more than ever before is progress.
    var most = file.size
    while true {
      let before = file.size
      let result = transfer.receive(address, from: before, progress: { progress(file.size) }) {
        [limit] bytes in
        isTooLarge = file.size + bytes.count > limit
        guard !isTooLarge else { return .fileTooLarge }
        do throws(Errno) {
          try file.append(bytes)
          return nil
        } catch {
          return error
        }
      }
      promise = Promise(
        size: result.promise.size ?? promise.size, sha256: result.promise.sha256 ?? promise.sha256)
      switch result.outcome {
      case .done:
        try file.synchronize()
        return promise
      case .stopped:
        throw DownloadError(address, .stopped)
      case .noRanges where before == 0:
        throw DownloadError(address, .unreachable("the server's answer is no file"))
      case .noRanges:
        // All of it may be there; if not, it is received again from the start.
        if let size = promise.size, size == before { return promise }
        try file.clear()
      case .interrupted(let what):
        fruitless = file.size > most ? 0 : fruitless + 1
        most = max(most, file.size)
        guard fruitless < Self.patience else {
          throw DownloadError(address, .interrupted(what, received: file.size))
        }
        guard wait(pause * (1 << fruitless), { progress(file.size) }) else {
          throw DownloadError(address, .stopped)
        }
      case .failed where isTooLarge:
        try file.clear()
        throw DownloadError(address, .tooLarge(limit: limit))
      case .failed(.unwritable(let errno, _)):
        throw DownloadError(address, .unwritable(errno, file: path.string))
      case .failed(let problem):
        throw DownloadError(address, problem)
      }
    }
  }

  /// Waits, asking now and then whether to go on.
  private func wait(_ duration: Duration, _ goesOn: () -> Bool) -> Bool {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {
      guard goesOn() else { return false }
      usleep(20_000)
    }
    return true
  }
}
