import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

struct LimitTests {
  func openFailure(_ path: FilePath, _ limits: MediaLimits) -> MediaError? {
    do {
      return try Reading(path, limits: limits).failure
    } catch { return error }
  }

  func write(_ bytes: [UInt8], to name: String, in folder: TemporaryFolder) throws -> FilePath {
    let path = folder.path.appending(name)
    try Data(bytes).write(to: URL(filePath: path.string))
    return path
  }

  @Test func largePicturesAreRefusedBeforeTheyAreAllocated() throws {
    var limits = MediaLimits()
    // As FFmpeg allocates 45x31.
    limits.maxPixels = 64 * 32
    #expect(openFailure(MediaFixture.path("images/rgb.png"), limits) == nil)
    limits.maxPixels = 45 * 31 - 1
    for name in ["images/rgb.png", "images/photo.jpg", "images/lossless.webp", "images/rgb.bmp"] {
      let failure = try #require(openFailure(MediaFixture.path(name), limits), "\(name)")
      #expect(failure.kind == .data)
      #expect(failure.reason.contains("45x31"), "\(failure)")
    }
    limits.maxPixels = 96 * 64 - 1
    for name in ["constant-rate.mp4", "animation.gif", "subsampling.avi", "damaged.ts"] {
      #expect(openFailure(MediaFixture.path(name), limits)?.kind == .data)
    }
  }

  /// A picture of 60 000 x 60 000 by its header.
  @Test func absurdHeaderIsAnError() throws {
    let folder = try TemporaryFolder()
    var png = try MediaFixture.bytes("images/rgb.png")
    for offset in [16, 20] { png.replaceSubrange(offset..<offset + 4, with: [0, 0, 0xea, 0x60]) }
    let failure = try #require(openFailure(try write(png, to: "a.png", in: folder), .init()))
    #expect(failure.kind == .data)
  }

  @Test func streamsAreLimited() throws {
    var limits = MediaLimits()
    limits.maxStreams = 1
    #expect(openFailure(MediaFixture.path("constant-rate.mp4"), limits) == nil)
    let failure = try #require(openFailure(MediaFixture.path("phone.mov"), limits))
    #expect(failure.kind == .data)
    #expect(failure.reason.contains("streams"), "\(failure)")
  }

  @Test func packetsWithoutFrameAreLimited() throws {
    var limits = MediaLimits()
    // The first frame comes out after as many packets as there are B-frames to reorder.
    limits.maxPacketsWithoutFrame = 1
    let reading = try Reading("constant-rate.mp4", limits: limits)
    #expect(reading.failure == MediaError(.data, "no frame in 1 packets"))
    limits.maxPacketsWithoutFrame = 10
    #expect(try Reading("constant-rate.mp4", limits: limits).failure == nil)
  }

  @Test func bytesWithoutFrameAreLimited() throws {
    let folder = try TemporaryFolder()
    var limits = MediaLimits()
    limits.maxBytesWithoutFrame = 300_000
    // A megabyte in which the broadcast's clock stands still.
    let video = try MediaFixture.bytes("damaged.ts")
    let path = try write(
      video + [UInt8](repeating: 0, count: 1 << 20) + video, to: "a.ts", in: folder)
    let reading = try Reading(path, limits: limits)
    #expect(reading.frames.count >= 40)
    #expect(reading.failure == MediaError(.data, "no frame in 300000 bytes"))
    limits.maxBytesWithoutFrame = 1000
    #expect(
      openFailure(MediaFixture.path("orientation/scene.rgb"), limits) != nil
        && openFailure(MediaFixture.path("images/rgb.bmp"), limits)?.reason
          == "an image file of 4270 bytes, and the limit is 1000"
    )
  }

  @Test func cancellingStopsTheNextRead() throws {
    let cancellation = MediaCancellation()
    let folder = try TemporaryFolder()
    // Longer than FFmpeg's buffer, so that reading goes on.
    var bytes: [UInt8] = []
    while bytes.count < 400_000 { bytes += try MediaFixture.bytes("no-first-keyframe.ts") }
    let path = try write(bytes, to: "a.ts", in: folder)
    let reader = try MediaReader(path: path, cancellation: cancellation)
    #expect(try reader.nextFrame() != nil)
    cancellation.cancel()
    #expect(throws: MediaError(.access, "stopped")) {
      while try reader.nextFrame() != nil {}
    }
    #expect(throws: MediaError(.access, "stopped")) {
      try MediaReader(path: path, cancellation: cancellation)
    }
  }

  /// A disk that hangs: reading gives up, and the read that hangs harms nobody when it ends.
  @Test(.timeLimit(.minutes(1))) func blockedReadTimesOut() throws {
    var limits = MediaLimits()
    limits.readTimeout = .milliseconds(50)
    let hangs = Mutex(false)
    let release = DispatchSemaphore(value: 0)
    let source = try FileSource(
      path: MediaFixture.path("constant-rate.mp4"), limits: limits, cancellation: .init(),
      readBytes: { file, buffer, offset in
        if hangs.withLock({ $0 }) { release.wait() }
        return file.read(into: buffer, at: offset)
      })
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(bytes.withUnsafeMutableBytes { source.read(into: $0) } == 100)
    #expect(bytes == Array(try MediaFixture.bytes("constant-rate.mp4").prefix(100)))
    hangs.withLock { $0 = true }
    #expect(bytes.withUnsafeMutableBytes { source.read(into: $0) } == 0)
    #expect(
      source.failure == MediaError(.access, "reading took longer than 0.05 seconds (read timeout)"))
    release.signal()
  }

  @Test func timedReadingGivesTheSameFrames() throws {
    var limits = MediaLimits()
    limits.readTimeout = .seconds(60)
    for name in ["constant-rate.mp4", "damaged.ts", "images/photo.jpg"] {
      #expect(try Reading(name, limits: limits).fingerprints == (try Reading(name).fingerprints))
    }
  }

  /// An I/O error in mid-file is not its end.
  @Test func readErrorIsAnAccessFailure() throws {
    for (count, reason) in [
      (-5, "reading: Input/output error"), (0, "the file became shorter while it was read"),
    ] {
      let source = try FileSource(
        path: MediaFixture.path("damaged.ts"), limits: .init(), cancellation: .init(),
        readBytes: { file, buffer, offset in
          offset < 10_000
            ? file.read(
              into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(2000)), at: offset)
            : count
        })
      let bytes = ByteStream(source)
      #expect(throws: MediaError(.access, reason)) {
        let demuxer = try Demuxer(
          ContainerFormat(of: bytes, fileExtension: nil), of: bytes, limits: .init(),
          log: FFmpegLog())
        let frames = try VideoFrames(demuxer, limits: .init(), log: FFmpegLog())
        while let _: Frame = try frames.next() {}
      }
    }
  }
}
