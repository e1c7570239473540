import Files
import Foundation
import Glibc
import SystemPackage
import Testing

@testable import DetectionRecords

@Suite struct StandardOutputTests {
  init() { signal(SIGPIPE, SIG_IGN) }

  @Test func theReaderMayGo() throws {
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.writeEnd.close() }
    let output = StandardOutput(pipe.writeEnd)
    try output.append(Array("one line\n".utf8))
    try pipe.readEnd.close()
    let error = #expect(throws: FileError.self) { try output.append(Array("x\n".utf8)) }
    #expect(error == .readerGone)
    #expect(error?.kind == .readerGone)
  }

  @Test func aFullDiskIsAFailedWrite() throws {
    let full = try FileDescriptor.open("/dev/full", .writeOnly)
    defer { try? full.close() }
    let error = #expect(throws: FileError.self) {
      try StandardOutput(full).append(Array("x\n".utf8))
    }
    #expect(error == .writeFailed("standard output", .noSpace))
    #expect(error?.kind == .outputFailed)
  }

  @Test func aSlowReaderOfANonBlockingPipeGetsEverything() throws {
    let pipe = try FileDescriptor.pipe()
    // F_SETFL needs a function of variable arguments; /proc opens the pipe anew with the flag.
    let end = try FileDescriptor.open(
      FilePath("/proc/self/fd/\(pipe.writeEnd.rawValue)"), .writeOnly, options: .nonBlocking)
    try pipe.writeEnd.close()
    let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let received = ReceivedBytes()
    let reader = Thread {
      var buffer = [UInt8](repeating: 0, count: 1000)
      while let count = try? buffer.withUnsafeMutableBytes({ try pipe.readEnd.read(into: $0) }),
        count > 0
      {
        received.bytes += buffer[..<count]
      }
      received.done.signal()
    }
    // Until the reader starts, the pipe is full after 64 KiB.
    reader.start()
    try StandardOutput(end).append(sent)
    try end.close()
    received.done.wait()
    #expect(received.bytes == sent)
    try pipe.readEnd.close()
  }
}

/// Written by the reader before `done`, read after.
private final class ReceivedBytes: @unchecked Sendable {
  var bytes: [UInt8] = []
  let done = DispatchSemaphore(value: 0)
}
