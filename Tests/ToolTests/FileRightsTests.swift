import Foundation
import FrameDecoding
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What the program may do itself once it knows its inputs.
struct FileRightsTests {
  /// Inputs and outputs as people arrange them: behind links, named in lists, on other disks.
  @Test func aRunReachesAllThatItNeeds() throws {
    let workspace = try Workspace()
    for (place, picture) in [
      ("clips/cam1/a.jpg", "parcel.jpg"), ("elsewhere/deep/b.jpg", "phone.jpg"),
      ("disk/c.png", "screenshot.png"), ("listed/d.jpg", "parcel.jpg"),
      ("linked/e.jpg", "phone.jpg"),
    ] {
      try workspace.write(place, Bytes.of(Tool.samples.appending("images/\(picture)")))
    }
    func link(_ name: String, to target: String) {
      #expect(symlink(workspace.file(target).string, workspace.file(name).string) == 0)
    }
    link("clips/b.jpg", to: "elsewhere/deep/b.jpg")
    link("clips/disk", to: "disk")
    link("by-link", to: "linked")
    try workspace.write("list.txt", "listed/d.jpg\n\(workspace.file("by-link/e.jpg"))\n")
    try workspace.write("metrics/old.prom", "")
    let arguments: [any Argument] = [
      "clips", "clips/disk/c.png", "--files-from", "list.txt", "--root", workspace.path,
      "--metrics", "metrics/run.prom",
    ]
    var files: [[String]] = []
    for mode in ["off", "required"] {
      // The directory of one camera is a link to where there is room.
      try workspace.write("room-\(mode)/x", "")
      try workspace.write("\(mode)/x", "")
      link("\(mode)/listed", to: "room-\(mode)")
      let outcome = try Tool.run(
        arguments + ["-o", mode, "--isolation", mode, "--verbose"], in: workspace)
      #expect(outcome.status == 0, "\(mode): \(outcome.messages)")
      #expect(workspace.exists("room-\(mode)/d.jpg.jsonl") && workspace.exists("metrics/run.prom"))
      files.append(workspace.files(below: mode).filter { $0.hasSuffix(".jsonl") })
    }
    #expect(files[0] == files[1] && files[0].count >= 4, "\(files)")
    for file in files[0] {
      #expect(try workspace.read("off/\(file)") == workspace.read("required/\(file)"), "\(file)")
    }
  }

  /// Landlock holds threads, not processes. What it is told together with each of them the kernel shows: that it gets no
  /// new privileges.
  @Test func allThreadsAreHeld() throws {
    let workspace = try Workspace()
    let run = try Tool.start(
      Tool.program, [Tool.samples, "--exclude", "packing.mp4", "-o", "out"], in: workspace)
    func threads() -> [(name: String, isHeld: Bool)] {
      let tasks = FilePath("/proc/\(run.id)/task")
      let names = (try? FileManager.default.contentsOfDirectory(atPath: tasks.string)) ?? []
      return names.compactMap { name in
        guard let status = try? Bytes.of(tasks.pushing(FilePath("\(name)/status"))) else {
          return nil
        }
        let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
        return (String(lines[0].dropFirst(6)), lines.contains("NoNewPrivs:\t1"))
      }
    }
    // Once there is a worker, all are there.
    let limit = ContinuousClock.now + .seconds(60)
    while !threads().contains(where: { $0.name.hasPrefix("worker") }), .now < limit {
      usleep(2000)
    }
    let found = threads()
    run.send(SIGTERM)
    _ = try run.wait()
    #expect(found.count > 4, "\(found)")
    #expect(found.allSatisfy { $0.isHeld }, "\(found)")
  }

  @Test func allElseIsRefused() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      for name in ["inputs", "outputs"] {
        #expect(mkdir(folder.path.appending(name).string, 0o700) == 0)
      }
      let input = folder.path.appending("inputs/a")
      try FileDescriptor.open(input, .writeOnly, options: .create, permissions: .ownerReadWrite)
        .close()
      func error(_ path: FilePath, _ flags: Int32) -> Int32 {
        let file = open(path.string, flags, 0o600)
        guard file >= 0 else { return errno }
        close(file)
        return 0
      }
      let (secret, beside) = (FilePath("/etc/passwd"), folder.path.appending("beside"))
      #expect(error(secret, O_RDONLY) == 0 && error(beside, O_WRONLY | O_CREAT) == 0)
      #expect(connection() == ECONNREFUSED)
      MediaDecoders(.on).keepOnly(
        FileRights(
          readable: [folder.path.appending("inputs")],
          writable: [folder.path.appending("outputs")]))
      #expect(error(input, O_RDONLY) == 0)
      #expect(error(folder.path.appending("outputs/b"), O_WRONLY | O_CREAT) == 0)
      #expect(
        rename(
          folder.path.appending("outputs/b").string, folder.path.appending("outputs/c").string) == 0
      )
      #expect(error(input, O_WRONLY) == EACCES)
      #expect(error(secret, O_RDONLY) == EACCES)
      #expect(error(beside, O_WRONLY) == EACCES)
      #expect(unlink(beside.string) == -1 && errno == EACCES)
      #expect(error(folder.path.appending("new"), O_WRONLY | O_CREAT) == EACCES)
      // From Landlock 4 on.
      #expect([EACCES, ECONNREFUSED].contains(connection()))
      func connection() -> Int32 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // Nobody listens there.
        place.sin_port = UInt16(1).bigEndian
        let status = withUnsafePointer(to: &place) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        return status == 0 ? 0 : errno
      }
    }
  }

  /// Shared memory counts as a file: where files may not be large there is none, and a word about it.
  @Test func aLimitOfFileSizesIsSaid() throws {
    let workspace = try Workspace()
    let picture = Tool.samples.appending("images/phone.jpg")
    func run(_ mode: String) throws -> ToolOutcome {
      // 100 MiB in blocks of 1024 bytes.
      try Tool.run(
        "/bin/sh",
        ["-c", "ulimit -f 102400; exec \"$@\"", "sh", Tool.program, picture, "-o", "-"]
          + ["--isolation", mode], in: workspace)
    }
    let on = try run("on")
    #expect(on.status == 0 && !on.output.isEmpty, "\(on.messages)")
    let words = "the limit of file sizes (ulimit -f) leaves no room for the 3072 MiB"
    #expect(on.messages.contains(words), "\(on.messages)")
    let required = try run("required")
    #expect(required.status == 64 && required.messages.contains(words), "\(required.messages)")
  }
}
