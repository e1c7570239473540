import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Inputs that are not what they say, and names that mean something to FFmpeg.
struct HostileInputTests {
  let scratch: TemporaryFolder

  init() throws { scratch = try TemporaryFolder() }

  func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let path = scratch.path.appending(name)
    try bytes.withUnsafeBytes {
      _ = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite
      ).closeAfterWriting($0)
    }
    return path
  }

  func write(_ name: String, _ text: String) throws -> FilePath {
    try write(name, Array(text.utf8))
  }

  func failure(_ path: FilePath, limits: MediaLimits = .init()) -> MediaError? {
    do {
      return try Reading(path, limits: limits).failure
    } catch { return error }
  }

  /// Lists of other files: the file they name is a good one beside them, and is not opened.
  @Test func playlistsOpenNothing() throws {
    let video = try write("good.ts", MediaFixture.bytes("damaged.ts"))
    let reason = "a list of other files or addresses, which are not opened"
    let lists = [
      "hls.m3u8":
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n\(video)\n#EXT-X-ENDLIST\n",
      "concat.ffconcat": "ffconcat version 1.0\nfile good.ts\n",
      "dash.mpd": """
      <?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-main:2011">\
      <Period><AdaptationSet><Representation id="1"><BaseURL>good.ts</BaseURL></Representation></AdaptationSet></Period></MPD>
      """,
      "sdp.sdp":
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ]
    for (name, text) in lists {
      let refusal = MediaError(.data, "\(name.prefix { $0 != "." }): \(reason)")
      #expect(failure(try write(name, text)) == refusal)
      // Newer FFmpegs do not take an HLS list for one by its text alone, but for a damaged movie.
      let disguised = failure(try write("\(name).mp4", text))
      #expect(
        disguised == refusal || (name.hasPrefix("hls") && disguised?.kind == .data),
        "\(name): \(String(describing: disguised))")
    }
  }

  /// A movie whose data lie in another file is not followed there.
  @Test func referencesAreNotFollowed() throws {
    let source = try FileSource(
      path: MediaFixture.path("constant-rate.mp4"), limits: .init(), cancellation: .init())
    let bytes = ByteStream(source)
    let log = FFmpegLog()
    let context = try FormatContext(
      try ContainerFormat(of: bytes, fileExtension: nil), of: bytes, limits: .init(), log: log)
    let open = try #require(context.pointer.pointee.io_open)
    #expect(open(context.pointer, nil, MediaFixture.path("damaged.ts").string, 1, nil) == -EACCES)
  }

  @Test func nonsenseIsADataFailure() throws {
    let text = String(repeating: "It was a dark and stormy night. ", count: 200)
    for name in ["a.mp4", "a.mkv", "a.jpg", "a.png", "a.avi", "a.txt", "a"] {
      let failure = try #require(failure(try write(name, text)), "\(name)")
      #expect(failure.kind == .data)
      #expect(!failure.reason.isEmpty && !failure.reason.contains("\n"))
    }
    #expect(failure(try write("a.txt", text)) == MediaError(.data, "tty: text, not video"))
    #expect(failure(try write("e.mp4", "")) == MediaError(.data, "the file is empty"))
    let png = try MediaFixture.bytes("images/rgb.png")
    #expect(
      failure(try write("half.png", Array(png.prefix(png.count / 2))))
        == MediaError(
          .data, "no picture: Invalid data found when processing input (png: chunk too big)"))
  }

  @Test func halfAPhotoIsOneFrame() throws {
    let whole = try #require(try Reading("images/photo.jpg").frames.first).picture.pixels
    let photo = try MediaFixture.bytes("images/photo.jpg")
    let reading = try Reading(try write("half.jpg", Array(photo.dropLast(150))))
    let frame = try #require(reading.frames.first)
    #expect(frame.isCorrupt)
    // The blocks before the cut are what they were.
    #expect(frame.picture.pixels.prefix(72) == whole.prefix(72))
    #expect(frame.picture.pixels != whole)
    #expect(reading.frames.count == 1 && reading.failure == nil)
    #expect(reading.report.decodeErrors == 1)
    #expect(reading.report.lastError?.hasPrefix("damaged picture: mjpeg: ") == true)
    #expect(reading.report.corruptFrames == 1)
  }

  @Test func namesMeanNothing() throws {
    let image = try MediaFixture.bytes("images/photo.jpg")
    let video = try MediaFixture.bytes("constant-rate.mp4")
    let expected = try Reading("images/photo.jpg").fingerprints
    for name in [
      "a%03d.jpg", "cam:1.jpg", "with space.jpg", "line\nbreak.jpg", "*?[1].jpg", "{a,b}.jpg", "-",
      "png.mp4",
      "concat:a|b.jpg", "http:", "no extension", "ä.JPG", "wrong.png", "wrong.txt", "pipe:0",
    ] {
      let reading = try Reading(try write(name, image))
      #expect(reading.fingerprints == expected, "\(name)")
      #expect(reading.failure == nil)
    }
    #expect(try Reading(try write("cam:1.mp4", video)).frames.count == 50)
    #expect(try Reading(try write("v%d.jpg", video)).frames.count == 50)
    // Not UTF-8.
    let bytes: [CInterop.PlatformChar] =
      Array("\(scratch.path)/".utf8CString.dropLast())
      + [CChar(bitPattern: 0xff), 0x2e, 0x6a, 0x70, 0x67, 0]
    let path = FilePath(platformString: bytes)
    try image.withUnsafeBytes {
      _ = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite
      ).closeAfterWriting($0)
    }
    #expect(try Reading(path).fingerprints == expected)
  }

  @Test(.timeLimit(.minutes(1))) func whatIsNoFileIsAnAccessFailure() throws {
    let pipe = scratch.path.appending("pipe.mp4")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    #expect(failure(pipe) == MediaError(.access, "a named pipe, not a file"))
    #expect(failure(scratch.path) == MediaError(.access, "a directory, not a file"))
    #expect(failure("/dev/zero") == MediaError(.access, "a device, not a file"))
    #expect(
      failure(scratch.path.appending("absent.mp4"))
        == MediaError(.access, "opening: No such file or directory"))
    #expect(symlink("loop.mp4", scratch.path.appending("loop.mp4").string) == 0)
    #expect(
      failure(scratch.path.appending("loop.mp4"))
        == MediaError(.access, "opening: Too many levels of symbolic links"))
    #expect(
      failure(scratch.path.appending(String(repeating: "x", count: 300)))
        == MediaError(.access, "opening: File name too long"))
    let socketPath = scratch.path.appending("socket.mp4")
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) {
      $0.copyBytes(from: socketPath.string.utf8.prefix(107))
    }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    #expect(failure(socketPath) == MediaError(.access, "a socket, not a file"))
    close(socket)
  }

  @Test func unreadableFileIsAnAccessFailure() throws {
    guard geteuid() != 0 else {
      print("skipped: root can read everything")
      return
    }
    let path = try write("secret.png", MediaFixture.bytes("images/rgb.png"))
    #expect(chmod(path.string, 0) == 0)
    #expect(failure(path) == MediaError(.access, "opening: Permission denied"))
  }
}

extension FileDescriptor {
  fileprivate func closeAfterWriting(_ bytes: UnsafeRawBufferPointer) throws {
    try closeAfter { _ = try writeAll(bytes) }
  }
}
