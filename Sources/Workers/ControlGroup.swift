import Glibc

/// The control groups (cgroups v2 and v1) that this process is in, as far as they limit processors and memory.
///
/// A limit of any ancestor holds too, so that each question walks from the process's group up to the root of the
/// mounted hierarchy. Formats: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, proc(5).
struct ControlGroup {
  /// One level of one hierarchy.
  struct Level {
    let directory: String
    let isVersion2: Bool

    func read(_ name: String) -> String? { readText(directory + "/" + name) }

    /// The first whole number in a file; nil without the file and for "max".
    func number(_ name: String) -> Int64? {
      read(name).flatMap {
        Int64($0.trimmingPrefix(while: \.isWhitespace).prefix { !$0.isWhitespace })
      }
    }

    /// The value of a line `key value` of memory.stat.
    func statistic(_ key: String) -> Int64? {
      for line in read("memory.stat")?.split(separator: "\n") ?? [] {
        let fields = line.split(separator: " ")
        if fields.count == 2 && fields[0] == key { return Int64(fields[1]) }
      }
      return nil
    }
  }

  private let processorLevels: [Level]
  private let memoryLevels: [Level]

  /// Reads the process's membership below `root`, where `/proc` and the mount points are looked for.
  init(root: String) {
    let membership = readText(root + "/proc/self/cgroup") ?? ""
    let mounts = (readText(root + "/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap {
      Mount($0)
    }
    func levels(_ controller: String) -> [Level] {
      membership.split(separator: "\n").flatMap { line -> [Level] in
        // hierarchy-ID:controller-list:path, where the path may hold colons.
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { return [] }
        let isVersion2 = fields[0] == "0" && fields[1].isEmpty
        guard isVersion2 || fields[1].split(separator: ",").contains(Substring(controller)),
          let mount = mounts.first(where: {
            isVersion2
              ? $0.type == "cgroup2" : $0.type == "cgroup" && $0.controllers.contains(controller)
          })
        else { return [] }
        return mount.directories(to: String(fields[2])).map {
          Level(directory: root + $0, isVersion2: isVersion2)
        }
      }
    }
    processorLevels = levels("cpu")
    memoryLevels = levels("memory")
  }

  /// Processors' worth of time that the tightest quota allows; nil without a quota.
  var processorQuota: Double? {
    processorLevels.compactMap { level -> Double? in
      if level.isVersion2 {
        let fields = (level.read("cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]),
          quota > 0, period > 0
        else { return nil }
        return quota / period
      }
      guard let quota = level.number("cpu.cfs_quota_us"), quota > 0,
        let period = level.number("cpu.cfs_period_us"), period > 0
      else { return nil }
      return Double(quota) / Double(period)
    }.min()
  }

  /// Bytes that may still be allocated under the tightest limit, page cache that the kernel would give up counted
  /// as free; nil without a limit.
  var availableMemory: Int64? {
    memoryLevels.compactMap { level -> Int64? in
      let limit: Int64
      let use: Int64
      let reclaimable: Int64
      if level.isVersion2 {
        // Above memory.high a process is not killed, but slowed until it is of no use.
        guard
          let bound = [level.number("memory.max"), level.number("memory.high")].compactMap({ $0 })
            .min()
        else { return nil }
        limit = bound
        use = level.number("memory.current") ?? 0
        reclaimable = level.statistic("inactive_file") ?? 0
      } else {
        guard let bound = level.number("memory.limit_in_bytes") else { return nil }
        limit = bound
        use = level.number("memory.usage_in_bytes") ?? 0
        reclaimable = level.statistic("total_inactive_file") ?? 0
      }
      return max(0, limit - max(0, use - reclaimable))
    }.min()
  }
}

/// One line of /proc/self/mountinfo.
private struct Mount {
  let root: String
  let point: String
  let type: String
  let controllers: Set<String>

  init?(_ line: Substring) {
    let fields = line.split(separator: " ")
    // Six fields, any number of optional ones, "-", then type, source and the file system's own options.
    guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count >= dash + 4 else {
      return nil
    }
    root = Self.unescaped(fields[3])
    point = Self.unescaped(fields[4])
    type = String(fields[dash + 1])
    controllers = Set(fields[dash + 3].split(separator: ",").map(String.init))
  }

  /// The directories from the group at `path` up to the mount point, the group's own first. A container that sees
  /// its group as the mount's root is told a path outside of it: then the mount point alone counts.
  func directories(to path: String) -> [String] {
    let prefix = root == "/" ? "" : root
    guard path == root || path.hasPrefix(prefix + "/") else { return [point] }
    var names = path.dropFirst(prefix.count).split(separator: "/")
    guard !names.contains("..") else { return [point] }
    var found: [String] = []
    while true {
      found.append(([Substring(point)] + names).joined(separator: "/"))
      if names.popLast() == nil { return found }
    }
  }

  /// Undoes the kernel's octal escapes of space, tab, newline and backslash.
  private static func unescaped(_ field: Substring) -> String {
    var text = String(field)
    for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
      text = text.split(separator: escape, omittingEmptySubsequences: false).joined(
        separator: character)
    }
    return text
  }
}

/// The text of a small file of the kernel's, or nil where it cannot be read.
func readText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(descriptor, &block, block.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { return nil }
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += block[..<count]
  }
}
