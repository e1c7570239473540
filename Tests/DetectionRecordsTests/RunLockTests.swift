import Files
import Foundation
import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct RunLockTests {
  private let fixture: RecordsFixture

  init() throws { fixture = try RecordsFixture() }

  private func partition(_ shard: String? = nil, segment: String? = nil) -> RunPartition {
    RunPartition(shard: shard.flatMap { Part($0) }, segment: segment.flatMap { Part($0) })
  }

  /// The words of the refusal; nil when the lock was had (and is given up).
  private func refusal(_ output: OutputDirectory, _ partition: RunPartition) throws -> String? {
    do throws(FileError) {
      try RunLock(output, partition).release()
      return nil
    } catch .locked(_, let holder) {
      return holder
    } catch {
      throw error
    }
  }

  @Test func onlyPartsOfOneWholeGoTogether() throws {
    let output = fixture.output
    let me = "process \(ProcessInfo.processInfo.processIdentifier) on "
    func expectRefused(_ other: RunPartition, sourceLocation: SourceLocation = #_sourceLocation)
      throws
    {
      let words = try refusal(output, other)
      #expect(words?.hasPrefix(me) == true, sourceLocation: sourceLocation)
    }
    let all = try RunLock(output, partition())
    for other in [partition(), partition("1/2"), partition(segment: "1/2")] {
      try expectRefused(other)
    }
    all.release()

    let one = try RunLock(output, partition("1/2"))
    for other in [
      partition(), partition("1/2"), partition("1/3"), partition("2/3"), partition(segment: "1/2"),
      partition("2/2", segment: "1/2"),
    ] { try expectRefused(other) }
    #expect(try refusal(output, partition("1/2"))?.hasSuffix(", shard 1/2") == true)
    let two = try RunLock(output, partition("2/2"))
    #expect(try refusal(output, partition())?.hasSuffix(" and 1 more") == true)
    one.release()
    try expectRefused(partition("1/3"))
    #expect(try refusal(output, partition("1/2")) == nil)
    two.release()

    let first = try RunLock(output, partition("1/3", segment: "1/4"))
    #expect(try refusal(output, partition("1/3", segment: "2/4")) == nil)
    #expect(try refusal(output, partition("2/3", segment: "1/4")) == nil)
    try expectRefused(partition("1/3"))
    try expectRefused(partition("1/3", segment: "1/4"))
    first.release()
    #expect(try refusal(output, partition()) == nil)
  }

  @Test func theLastReferenceGivesTheLockUp() throws {
    let output = fixture.output
    do {
      let lock = try RunLock(output, partition())
      #expect(try refusal(output, partition()) != nil)
      withExtendedLifetime(lock) {}
    }
    #expect(try refusal(output, partition()) == nil)
  }

  @Test func waitingAsksUntilTheLockIsFree() throws {
    let output = fixture.output
    let holder = try RunLock(output, partition())
    var asked = 0
    let lock = try RunLock(output, partition("1/2")) { error in
      asked += 1
      if asked == 3 { holder.release() }
      return true
    }
    #expect(asked == 3)
    #expect(throws: FileError.self) {
      try RunLock(output, partition()) { _ in
        asked += 1
        return asked < 6
      }
    }
    #expect(asked == 6)
    lock.release()
  }

  @Test(.python) func aDeadHolderDoesNotBlock() throws {
    let output = fixture.output
    try write(Array("a run of all inputs\n".utf8), to: output.locks.appending("run.lock"))
    try write(Array("process 99 on elsewhere\n".utf8), to: output.locks.appending("part.lock"))
    let process = Process()
    let input = Pipe()
    let ready = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = [
      "-c",
      """
      import fcntl, sys
      run = open(sys.argv[1] + '/run.lock', 'r+'); fcntl.flock(run, fcntl.LOCK_SH)
      part = open(sys.argv[1] + '/part.lock', 'r+'); fcntl.flock(part, fcntl.LOCK_EX)
      print('ready', flush=True); sys.stdin.read()
      """, output.locks.string,
    ]
    process.standardInput = input
    process.standardOutput = ready
    try process.run()
    #expect(try ready.fileHandleForReading.read(upToCount: 6) == Data("ready\n".utf8))
    #expect(try refusal(output, partition()) == "process 99 on elsewhere")
    #expect(try refusal(output, partition("1/2")) == "process 99 on elsewhere")
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(try refusal(output, partition("1/2")) == nil)
    #expect(try refusal(output, partition()) == nil)
  }

  /// Without the gate, a run could give its exclusive lock up for a shared one, which `flock` does in two steps, just
  /// as another takes it for exclusive.
  @Test func locksAreTakenBehindTheGate() throws {
    let gate = try OpenFile(
      fixture.output.locks.appending("gate.lock"), .readWrite, options: .create)
    try gate.lock()
    let inode = try Stat(gate.path).inode.rawValue
    let output = fixture.output
    let hasEnded = Atomic(false)
    let done = DispatchSemaphore(value: 0)
    Thread {
      let lock = try? RunLock(output, RunPartition())
      #expect(lock != nil)
      lock?.release()
      hasEnded.store(true, ordering: .sequentiallyConsistent)
      done.signal()
    }.start()
    // The kernel lists who waits for a lock with an arrow.
    var waits = false
    while !waits && !hasEnded.load(ordering: .sequentiallyConsistent) {
      let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
      waits = locks.split(separator: "\n").contains {
        $0.contains("->") && $0.contains(":\(inode) ")
      }
      sched_yield()
    }
    #expect(waits)
    #expect(try contents(output.locks.appending("run.lock")) == nil)
    _ = try gate.tryLock(.none)
    done.wait()
  }

  /// Many threads take and give up locks of different parts; whoever has one looks whether its neighbours may be there.
  @Test func noTwoSchemesEverHoldTogether() throws {
    let seed: UInt64 = 9
    print("noTwoSchemesEverHoldTogether: seed \(seed)")
    let output = fixture.output
    let partitions = [
      partition(), partition("1/2"), partition("2/2"), partition("1/3"), partition("2/3"),
      partition("3/3"),
    ]
    let holding = Mutex<[RunPartition]>([])
    let attempts = Atomic(0)
    let taken = Atomic(0)
    let together = Atomic(0)
    // Threads of their own: a pool that other tests keep busy would run one after the other.
    let threads = DispatchGroup()
    for thread in 0..<4 {
      threads.enter()
      Thread {
        var generator = SeededGenerator(seed: seed + UInt64(thread))
        for _ in 0..<300 {
          let own = partitions[generator.below(partitions.count)]
          let attempt = attempts.add(1, ordering: .relaxed).newValue
          guard let lock = try? RunLock(output, own) else { continue }
          holding.withLock { holders in
            #expect(
              holders.allSatisfy {
                $0 != own && $0.shard?.count == own.shard?.count && own.shard != nil
              })
            holders.append(own)
            together.max(holders.count, ordering: .relaxed)
          }
          taken.add(1, ordering: .relaxed)
          // Let the others try meanwhile, if there are any left.
          for _ in 0..<1000 where attempts.load(ordering: .relaxed) < attempt + 3 { sched_yield() }
          holding.withLock { $0.removeAll { $0 == own } }
          lock.release()
        }
        threads.leave()
      }.start()
    }
    threads.wait()
    print(
      "taken \(taken.load(ordering: .relaxed)) times, \(together.load(ordering: .relaxed)) at once")
    #expect(taken.load(ordering: .relaxed) > 100)
    #expect(together.load(ordering: .relaxed) > 1)
  }

  @Test func anOutputThatCannotBeMadeIsSaid() throws {
    let file = fixture.folder.path.appending("file")
    try write([1], to: file)
    let error = #expect(throws: FileError.self) { try OutputDirectory(file).create() }
    #expect(error?.kind == .cannotCreateOutput)
    #expect(error?.description.contains(file.string) == true)
    let readOnly = #expect(throws: FileError.self) { try OutputDirectory("/proc/out").create() }
    #expect(readOnly?.kind == .cannotCreateOutput)
    #expect(readOnly?.description.hasPrefix("cannot create /proc/out") == true)
  }
}
