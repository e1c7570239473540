import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A web server on this machine for tests of downloads: one request a connection, answered as the test says.
public final class LoopbackServer: Sendable {
  /// What was asked.
  public struct Request: Sendable {
    /// What stands between GET and HTTP/1.1: a path, or, for a proxy, a whole address.
    public var target: String
    /// Where the bytes shall begin (`Range: bytes=N-`).
    public var offset: Int?
  }

  /// What is answered.
  public struct Response: Sendable {
    /// The status line's number.
    public var status: Int
    /// Whole lines.
    public var headers: [String]
    /// What follows.
    public var body: [UInt8]
    /// What `Content-Length` says; nil for the body's.
    public var announced: Int?

    /// Creates an answer.
    public init(
      _ status: Int = 200, headers: [String] = [], body: [UInt8] = [], announced: Int? = nil
    ) {
      self.status = status
      self.headers = headers
      self.body = body
      self.announced = announced
    }

    /// A file, from where it was asked for.
    public static func file(_ bytes: [UInt8], from offset: Int?) -> Response {
      guard let offset else { return Response(body: bytes) }
      guard offset < bytes.count else { return Response(416) }
      return Response(
        206, headers: ["Content-Range: bytes \(offset)-\(bytes.count - 1)/\(bytes.count)"],
        body: Array(bytes[offset...]))
    }
  }

  /// `http://127.0.0.1:PORT`.
  public let address: String
  private let socket: Int32
  private let log = Mutex<[Request]>([])

  /// Starts.
  ///
  /// - Parameter answer: gets each request and its number, from 0.
  /// - Throws: what the system says.
  public init(_ answer: @escaping @Sendable (Request, Int) -> Response) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = socket
    let isReady = withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 16) == 0
          && getsockname(socket, $0, &length) == 0
      }
    }
    guard isReady else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    Thread { [weak self] in
      while true {
        let connection = accept(socket, nil, nil)
        guard connection >= 0 else {
          // The server is gone. Its number is free only now: closed by another thread, it could be another server's by the
          // time of the next `accept`, which would take away that one's connections.
          close(socket)
          return
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        self?.serve(connection, answer)
        close(connection)
      }
    }.start()
  }

  deinit {
    // Ends `accept`, and with it the thread.
    shutdown(socket, Int32(SHUT_RDWR))
  }

  /// What has been asked up to now.
  public var requests: [Request] { log.withLock { $0 } }

  private func serve(_ connection: Int32, _ answer: (Request, Int) -> Response) {
    guard let request = read(connection) else { return }
    let number = log.withLock { log in
      log.append(request)
      return log.count - 1
    }
    let response = answer(request, number)
    var lines = ["HTTP/1.1 \(response.status) Test", "Connection: close"] + response.headers
    lines.append("Content-Length: \(response.announced ?? response.body.count)")
    let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + response.body
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      // The client has gone.
      guard count > 0 else { return }
      sent += count
    }
    shutdown(connection, Int32(SHUT_WR))
    // Until the client has read all of it: closing earlier could throw away what is on its way.
    var rest = [UInt8](repeating: 0, count: 256)
    while recv(connection, &rest, rest.count, 0) > 0 {}
  }

  private func read(_ connection: Int32) -> Request? {
    var head: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      let count = recv(connection, &piece, piece.count, 0)
      guard count > 0 else { return nil }
      head += piece[..<count]
    }
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    let offset = range.flatMap { Int($0.dropFirst("range: bytes=".count).dropLast()) }
    return Request(target: String(words[1]), offset: offset)
  }
}
