import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct WholeFileTests {
  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 1_000_000]) func filesAreReadToTheirEnd(
    count: Int
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("file")
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try Data(bytes).write(to: URL(filePath: path.string))
    #expect(try WholeFile.read(path, limit: 1 << 20) == bytes)
    #expect(try WholeFile.read(path, limit: count) == bytes)
    if count > 0 {
      #expect(throws: Errno.fileTooLarge) { try WholeFile.read(path, limit: count - 1) }
    }
  }

  @Test func whatTellsNoSizeIsReadToItsEndToo() throws {
    // Of /proc the system says 0 bytes.
    let status = try WholeFile.read("/proc/self/status", limit: 1 << 20)
    #expect(String(decoding: status, as: UTF8.self).contains("VmRSS"))
    #expect(throws: Errno.fileTooLarge) { try WholeFile.read("/proc/self/status", limit: 10) }
    #expect(throws: Errno.fileTooLarge) { try WholeFile.read("/dev/zero", limit: 1 << 20) }
    for count in [0, 200_000] {
      let pipe = Pipe()
      let bytes = Data(repeating: 7, count: count)
      let writer = Thread {
        pipe.fileHandleForWriting.write(bytes)
        pipe.fileHandleForWriting.closeFile()
      }
      writer.start()
      let descriptor = FileDescriptor(rawValue: pipe.fileHandleForReading.fileDescriptor)
      #expect(try WholeFile.read(descriptor, limit: 1 << 20) == Array(bytes))
    }
  }

  @Test func whyNotIsTheSystemsWord() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Errno.noSuchFileOrDirectory) {
      try WholeFile.read(folder.path.appending("none"), limit: 10)
    }
    #expect(throws: Errno.isDirectory) { try WholeFile.read(folder.path, limit: 10) }
  }
}

@Suite struct AtomicFileTests {
  /// Somebody else's file beside a name has that name once it is published, and goes with its holder if it is not.
  @Test func aPendingFileIsPublishedOrGone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.mp4")
    func write(_ text: String, to place: FilePath) throws {
      let file = try FileDescriptor.open(
        place, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
      _ = try file.closeAfter { try file.writeAll(text.utf8) }
    }
    do {
      let pending = try PendingFile(path)
      try write("half", to: pending.temporaryPath)
    }
    #expect(try DirectoryListing(folder.path).entries.isEmpty)
    do {
      let pending = try PendingFile(path)
      try write("whole", to: pending.temporaryPath)
      try pending.synchronize()
      try pending.publish(isDurable: true)
    }
    #expect(try DirectoryListing(folder.path).entries.map(\.name) == [Array("a.mp4".utf8)])
    #expect(try WholeFile.read(path, limit: 9) == Array("whole".utf8))
    let missing = try PendingFile(path)
    let error = #expect(throws: AtomicFile.Failure.self) {
      try missing.publish(isDurable: false)
    }
    #expect(error?.description == "renaming failed: No such file or directory")
    #expect(throws: AtomicFile.Failure.self) { try PendingFile("/") }
  }

  @Test func theNameHoldsTheOldBytesOrTheNew() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("file")
    for isDurable in [true, false] {
      try AtomicFile.replace(path, with: Array("old".utf8), isDurable: isDurable)
      #expect(try WholeFile.read(path, limit: 10) == Array("old".utf8))
      struct Stop: Error {}
      #expect(throws: Stop.self) {
        try AtomicFile.replace(path, isDurable: isDurable) { file in
          try file.append(Array("ne".utf8))
          #expect(try WholeFile.read(path, limit: 10) == Array("old".utf8))
          throw Stop()
        }
      }
      #expect(try WholeFile.read(path, limit: 10) == Array("old".utf8))
      try AtomicFile.replace(path, isDurable: isDurable) { file in
        try file.append(Array("ne".utf8))
        try file.append(Array("w".utf8))
      }
      #expect(try WholeFile.read(path, limit: 10) == Array("new".utf8))
      #expect(try DirectoryListing(folder.path).entries.map(\.name) == [Array("file".utf8)])
    }
  }

  @Test func namesNeedNotBeText() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.pushing(FilePath(bytes: [0x61, 0xff]))
    try AtomicFile.replace(path, with: [1])
    #expect(try WholeFile.read(path, limit: 1) == [1])
    let long = folder.path.appending(String(repeating: "n", count: 255))
    try AtomicFile.replace(long, with: [2])
    #expect(try WholeFile.read(long, limit: 1) == [2])
  }

  @Test func failuresSayWhatFailed() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: AtomicFile.Failure.self) {
      try AtomicFile.replace(folder.path.appending("none/file"), with: [1])
    }
    #expect(error?.doing == "creating it")
    #expect(error?.code == .noSuchFileOrDirectory)
    let taken = folder.path.appending("taken")
    try OpenFile.createDirectories(taken)
    let other = #expect(throws: AtomicFile.Failure.self) {
      try AtomicFile.replace(taken, with: [1])
    }
    #expect(other?.description == "renaming failed: Is a directory")
    #expect(try DirectoryListing(folder.path).entries.map(\.name) == [Array("taken".utf8)])
  }
}
