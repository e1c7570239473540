import Glibc

/// What this process may use of the machine it runs on: the processors of its affinity mask and the memory that is
/// free, each cut to the limits of its control groups.
public struct Machine: Sendable {
  private let root: String

  /// Looks at this process; `root` is where `/proc` and `/sys` are found, other than "/" in tests.
  public init(root: String = "/") { self.root = root == "/" ? "" : root }

  /// Processors that this process may use, at least 1: those of its affinity mask, at most as many as the control
  /// groups' time quota pays for, a part counted as a whole.
  public var availableCores: Int {
    let quota = ControlGroup(root: root).processorQuota.flatMap { Int(exactly: $0.rounded(.up)) }
    return max(1, min(affinityCount, quota ?? .max))
  }

  /// Bytes that this process may still allocate without swapping or being killed; nil where the system does not say.
  public var availableMemory: Int? {
    let system = readText(root + "/proc/meminfo").flatMap { text -> Int64? in
      for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
        return line.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 << 10 }
      }
      return nil
    }
    return [system, ControlGroup(root: root).availableMemory].compactMap { $0 }.min().map(Int.init)
  }

  /// Processors in the affinity mask, as `taskset` and cpusets set it, that are online. (`sched_getaffinity` is hidden
  /// from Swift; the kernel shows the same mask here.)
  private var affinityCount: Int {
    let status = readText(root + "/proc/self/status") ?? ""
    let field = "Cpus_allowed_list:"
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(field) }) else {
      return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
    let allowed = Self.processors(line.dropFirst(field.count))
    guard let online = readText(root + "/sys/devices/system/cpu/online") else {
      return allowed.count
    }
    return allowed.intersection(Self.processors(online[...])).count
  }

  /// The numbers of a kernel's list such as `0-3,8`.
  private static func processors(_ list: Substring) -> Set<Int> {
    var numbers: Set<Int> = []
    for item in list.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let bounds = item.split(separator: "-").compactMap { Int($0) }
      if let first = bounds.first, let last = bounds.last, first <= last {
        numbers.formUnion(first...last)
      }
    }
    return numbers
  }
}
