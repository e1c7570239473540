import Downloads
import SystemPackage
import TestSupport
import Testing

/// Downloads from a server on this machine.
struct DownloadTests {
  private typealias Response = LoopbackServer.Response

  private static let file = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

  private struct Place {
    let folder = try? TemporaryFolder()
    var path: FilePath { (folder?.path ?? "/nowhere").appending("file") }

    func write(_ bytes: [UInt8]) throws {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
      _ = try file.closeAfter { try file.writeAll(bytes) }
    }

    func read() throws -> [UInt8] {
      let file = try FileDescriptor.open(path, .readOnly)
      return try file.closeAfter {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = try bytes.withUnsafeMutableBytes {
          try file.read(fromAbsoluteOffset: 0, into: $0)
        }
        return Array(bytes[..<count])
      }
    }
  }

  private func receive(
    _ server: LoopbackServer, _ target: String = "/file", into place: Place, limit: Int = 1 << 20,
    progress: @escaping (Int) -> Bool = { _ in true }
  ) throws(DownloadError) -> Download.Promise {
    let download = Download(
      address: server.address + target, limit: limit, pause: .milliseconds(1))
    return try download.receive(into: place.path, progress: progress)
  }

  @Test func redirectionsAreFollowedAndPromisesKept() throws {
    let digest = String(repeating: "0A", count: 32)
    let server = try LoopbackServer { request, _ in
      switch request.target {
      case "/file":
        Response(
          302,
          headers: [
            "Location: /elsewhere", "X-Linked-Size: 300000", "X-Linked-ETag: \"\(digest)\"",
          ],
          body: Array("moved".utf8))
      case "/elsewhere": .file(Self.file, from: request.offset)
      default: Response(404)
      }
    }
    let place = Place()
    let promise = try receive(server, into: place)
    #expect(promise == .init(size: 300_000, sha256: digest.lowercased()))
    #expect(try place.read() == Self.file)
    #expect(server.requests.map(\.target) == ["/file", "/elsewhere"])
  }

  @Test func aCutConnectionIsGoneOnFrom() throws {
    let server = try LoopbackServer { request, number in
      var response = Response.file(Self.file, from: request.offset)
      response.announced = response.body.count
      // Each brings a third of the file.
      if number < 2 { response.body = Array(response.body.prefix(100_000)) }
      return response
    }
    let place = Place()
    _ = try receive(server, into: place)
    #expect(try place.read() == Self.file)
    #expect(server.requests.map(\.offset) == [nil, 100_000, 200_000])
  }

  @Test func anEarlierCallIsGoneOnFrom() throws {
    let server = try LoopbackServer { request, _ in .file(Self.file, from: request.offset) }
    let place = Place()
    try place.write(Array(Self.file[..<123_456]))
    _ = try receive(server, into: place)
    #expect(try place.read() == Self.file)
    #expect(server.requests.map(\.offset) == [123_456])
    // All of it is there: the server has nothing after it.
    _ = try receive(server, into: place)
    #expect(try place.read() == Self.file)
    #expect(server.requests.map(\.offset) == [123_456, 300_000])
  }

  @Test func aServerWithoutRangesBeginsAnew() throws {
    let server = try LoopbackServer { _, _ in .file(Self.file, from: nil) }
    let place = Place()
    try place.write(Array(repeating: 7, count: 1000))
    _ = try receive(server, into: place)
    #expect(try place.read() == Self.file)
    #expect(server.requests.map(\.offset) == [1000, nil])
  }

  /// It never gets further than before: a proxy's limit, say.
  @Test func aServerWithoutRangesThatIsAlwaysCutIsGivenUp() throws {
    let server = try LoopbackServer { request, _ in
      var response = Response.file(Self.file, from: nil)
      response.announced = response.body.count
      if request.offset == nil { response.body = Array(response.body.prefix(50_000)) }
      return response
    }
    let place = Place()
    let error = #expect(throws: DownloadError.self) { try receive(server, into: place) }
    guard case .interrupted? = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(server.requests.count < 20)
  }

  @Test func whatIsNotThereIsSaid() throws {
    let server = try LoopbackServer { _, _ in Response(404, body: Array("<html>".utf8)) }
    let place = Place()
    let error = #expect(throws: DownloadError.self) { try receive(server, into: place) }
    #expect(error?.problem == .refused(status: 404))
    #expect(
      error?.description
        == "\(server.address)/file: is not there (HTTP 404): it was moved or taken away")
    #expect(try place.read() == [])
    #expect(server.requests.count == 1)
  }

  @Test func passwordsAreNotSaid() throws {
    let server = try LoopbackServer { _, _ in Response(404) }
    let address = server.address.replacing("://", with: "://user:p%40ss@") + "/a@b"
    #expect(Download.shown(address) == server.address + "/a@b")
    let place = Place()
    let error = #expect(throws: DownloadError.self) {
      try Download(address: address, limit: 9).receive(into: place.path) { _ in true }
    }
    #expect(error?.description.hasPrefix("\(server.address)/a@b: is not there") == true)
    for plain in ["http://host/x@y", "host", "http://host?a@b"] {
      #expect(Download.shown(plain) == plain)
    }
  }

  @Test func patienceEnds() throws {
    let server = try LoopbackServer { request, number in
      if number == 0 {
        var response = Response.file(Self.file, from: nil)
        response.announced = response.body.count
        response.body = Array(response.body.prefix(50_000))
        return response
      }
      return Response(503)
    }
    let place = Place()
    let error = #expect(throws: DownloadError.self) { try receive(server, into: place) }
    #expect(
      error?.problem == .interrupted("the server answers HTTP 503", received: 50_000),
      "\(error as Any)")
    #expect(server.requests.count == 5)
    #expect(try place.read() == Array(Self.file[..<50_000]))
  }

  @Test func moreThanThereShouldBeIsNotStored() throws {
    let server = try LoopbackServer { request, _ in .file(Self.file, from: request.offset) }
    let place = Place()
    let error = #expect(throws: DownloadError.self) {
      try receive(server, into: place, limit: 100_000)
    }
    #expect(error?.problem == .tooLarge(limit: 100_000))
    #expect(try place.read() == [])
  }

  @Test func whoWaitsCanStop() throws {
    let server = try LoopbackServer { request, _ in .file(Self.file, from: request.offset) }
    let place = Place()
    let error = #expect(throws: DownloadError.self) {
      try receive(server, into: place) { _ in false }
    }
    #expect(error?.problem == .stopped)
  }

  @Test func noServerAndNoPlace() throws {
    let nowhere = Download(address: "http://127.0.0.1:1/file", limit: 10)
    let place = Place()
    let error = #expect(throws: DownloadError.self) {
      try nowhere.receive(into: place.path) { _ in true }
    }
    guard case .unreachable = error?.problem else {
      Issue.record("\(error as Any)")
      return
    }
    let other = #expect(throws: DownloadError.self) {
      try nowhere.receive(into: "/proc/no/file") { _ in true }
    }
    #expect(other?.problem == .unwritable(.noSuchFileOrDirectory, file: "/proc/no/file"))
  }

  @Test func twoDoNotReceiveOneFile() throws {
    let place = Place()
    let server = try LoopbackServer { request, _ in .file(Self.file, from: request.offset) }
    var inner: DownloadError?
    _ = try receive(server, into: place) { _ in
      if inner == nil {
        do throws(DownloadError) { _ = try receive(server, into: place) } catch { inner = error }
      }
      return true
    }
    #expect(inner?.problem == .locked(file: place.path.string))
    #expect(try place.read() == Self.file)
  }

  /// What begins encrypted is not redirected to what is not.
  @Test func addressesOfOtherKindsAreNotFollowed() throws {
    let server = try LoopbackServer { _, _ in
      Response(302, headers: ["Location: file:///etc/passwd"])
    }
    let place = Place()
    let error = #expect(throws: DownloadError.self) { try receive(server, into: place) }
    guard case .unreachable = error?.problem else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(try place.read() == [])
  }
}
