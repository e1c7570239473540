import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Workers

/// A file system of a machine's /proc and /sys, as far as limits are read from it.
private struct FakeMachine {
  let folder = try? TemporaryFolder()

  var machine: Machine { Machine(root: folder?.path.string ?? "") }

  init(processors: String = "0-15", online: String = "0-15", memory: Int = 64 << 20) {
    write("proc/self/status", "Name:\tx\nCpus_allowed:\tffff\nCpus_allowed_list:\t\(processors)\n")
    write("sys/devices/system/cpu/online", online + "\n")
    write("proc/meminfo", "MemTotal: 99 kB\nMemAvailable:   \(memory) kB\nSwapFree: 7 kB\n")
    write("proc/self/cgroup", "")
    write("proc/self/mountinfo", "")
  }

  func write(_ name: String, _ text: String) {
    guard let folder else {
      Issue.record("no temporary folder")
      return
    }
    let url = URL(filePath: folder.path.appending(name).string)
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    } catch { Issue.record(error) }
  }
}

@Suite struct MachineTests {
  @Test func coresAreThoseOfTheAffinityMask() {
    for (allowed, online, count) in [
      ("0-15", "0-15", 16), ("0-3,8,10-11", "0-15", 7), ("0-3,8", "0-1,8-15", 3),
      ("0-2047", "0-2047", 2048),
    ] {
      let fake = FakeMachine(processors: allowed, online: online)
      #expect(fake.machine.availableCores == count)
    }
  }

  static let version2Mount =
    "22 1 0:5 / / rw - ext4 /dev/x rw\n29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

  @Test func quotasOfEveryAncestorHold() {
    let fake = FakeMachine()
    fake.write("proc/self/cgroup", "0::/user.slice/run:7/job\n")
    fake.write("proc/self/mountinfo", Self.version2Mount)
    #expect(fake.machine.availableCores == 16)
    fake.write("sys/fs/cgroup/user.slice/run:7/job/cpu.max", "max 100000\n")
    #expect(fake.machine.availableCores == 16)
    fake.write("sys/fs/cgroup/user.slice/run:7/cpu.max", "250000 100000\n")
    #expect(fake.machine.availableCores == 3)
    fake.write("sys/fs/cgroup/user.slice/run:7/job/cpu.max", "50000 100000\n")
    #expect(fake.machine.availableCores == 1)
    fake.write("sys/fs/cgroup/user.slice/run:7/job/cpu.max", "1000 100000\n")
    #expect(fake.machine.availableCores == 1)
    fake.write("sys/fs/cgroup/user.slice/run:7/job/cpu.max", "9900000 100000\n")
    fake.write("sys/fs/cgroup/cpu.max", "200000 100000\n")
    #expect(fake.machine.availableCores == 2)
  }

  @Test func aContainersOwnMountIsItsRoot() {
    // Without a namespace of its own, the container is told the host's path and sees its group as the mount's root.
    for path in ["/docker/abc", "/../../elsewhere", "/kubepods/xyz"] {
      let fake = FakeMachine()
      fake.write("proc/self/cgroup", "0::\(path)\n")
      fake.write(
        "proc/self/mountinfo", "29 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n")
      fake.write("sys/fs/cgroup/cpu.max", "400000 100000\n")
      fake.write("sys/fs/cgroup/memory.max", "\(1 << 30)\n")
      fake.write("sys/fs/cgroup/memory.current", "\(1 << 28)\n")
      #expect(fake.machine.availableCores == 4)
      #expect(fake.machine.availableMemory == 3 << 28)
    }
  }

  @Test func version1QuotasAndLimitsAreRead() {
    let fake = FakeMachine()
    fake.write("proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n")
    fake.write(
      "proc/self/mountinfo",
      """
      30 25 0:27 / /sys/fs/cgroup/cpu\\040time rw - cgroup cgroup rw,cpu,cpuacct
      31 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

      """)
    fake.write("sys/fs/cgroup/cpu time/job/cpu.cfs_quota_us", "-1\n")
    fake.write("sys/fs/cgroup/cpu time/job/cpu.cfs_period_us", "100000\n")
    fake.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    fake.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4096\n")
    #expect(fake.machine.availableCores == 16)
    #expect(fake.machine.availableMemory == 64 << 30)
    fake.write("sys/fs/cgroup/cpu time/job/cpu.cfs_quota_us", "150000\n")
    fake.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "\(8 << 20)\n")
    fake.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "\(5 << 20)\n")
    fake.write("sys/fs/cgroup/memory/job/memory.stat", "cache 9\ntotal_inactive_file \(1 << 20)\n")
    #expect(fake.machine.availableCores == 2)
    #expect(fake.machine.availableMemory == 4 << 20)
  }

  @Test func memoryIsWhatTheTightestLimitLeaves() {
    let fake = FakeMachine(memory: 1 << 20)
    fake.write("proc/self/cgroup", "0::/a/b\n")
    fake.write("proc/self/mountinfo", Self.version2Mount)
    fake.write("sys/fs/cgroup/a/b/memory.max", "max\n")
    fake.write("sys/fs/cgroup/a/b/memory.current", "\(1 << 20)\n")
    #expect(fake.machine.availableMemory == 1 << 30)
    fake.write("sys/fs/cgroup/a/memory.max", "\(100 << 20)\n")
    fake.write("sys/fs/cgroup/a/memory.current", "\(90 << 20)\n")
    fake.write("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file \(20 << 20)\n")
    #expect(fake.machine.availableMemory == 30 << 20)
    fake.write("sys/fs/cgroup/a/b/memory.high", "\(2 << 20)\n")
    #expect(fake.machine.availableMemory == 1 << 20)
    fake.write("sys/fs/cgroup/a/memory.current", "\(500 << 20)\n")
    #expect(fake.machine.availableMemory == 0)
    #expect(Machine(root: "/nowhere").availableMemory == nil)
  }

  @Test func thisMachineAgreesWithOtherTools() throws {
    func output(_ arguments: String...) throws -> String {
      let process = Process()
      let pipe = Pipe()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = arguments
      process.standardOutput = pipe
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
      return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let machine = Machine()
    let cores = machine.availableCores
    // nproc knows the affinity mask and no quota.
    let counted = Int(try output("env", "-u", "OMP_NUM_THREADS", "nproc"))
    #expect(cores <= (try #require(counted)))
    #expect(try #require(machine.availableMemory) > 1 << 20)

    let process = "\(ProcessInfo.processInfo.processIdentifier)"
    let before = try output("taskset", "-cp", process)
    let list = try #require(before.split(separator: " ").last)
    let first = try #require(list.split { !$0.isNumber }.first)
    _ = try output("taskset", "-cp", String(first), process)
    let pinned = machine.availableCores
    _ = try output("taskset", "-cp", String(list), process)
    #expect(pinned == 1)
    #expect(machine.availableCores == cores)
  }
}
