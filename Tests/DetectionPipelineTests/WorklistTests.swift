import DetectionRecords
import Files
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import DetectionPipeline

/// A folder of inputs, and the worklists of it.
private struct Tree {
  let folder: TemporaryFolder
  var path: FilePath { folder.path }

  init(_ files: [String] = []) throws {
    folder = try TemporaryFolder()
    for file in files { try write(file) }
  }

  func write(_ name: String) throws { try write(Array(name.utf8)) }

  func write(_ name: [UInt8]) throws {
    let file = path.pushing(FilePath(bytes: name))
    try FileManager.default.createDirectory(
      atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
    let descriptor = try FileDescriptor.open(
      file, .writeOnly, options: .create, permissions: .ownerReadWrite)
    _ = try descriptor.closeAfter { try descriptor.writeAll([1, 2, 3]) }
  }

  func link(_ name: String, to target: String) throws {
    let status = target.withCString { symlink($0, path.appending(name).string) }
    try #require(status == 0)
  }

  func worklist(
    _ inputs: [String] = ["."], _ change: (inout Worklist.Request) -> Void = { _ in }
  ) throws(WorklistError) -> Worklist {
    var request = Worklist.Request()
    request.inputs = inputs.map { $0 == "." ? path : path.appending($0) }
    request.root = path
    request.output = path.appending("out")
    change(&request)
    return try Worklist(request)
  }

  func sources(
    _ inputs: [String] = ["."], _ change: (inout Worklist.Request) -> Void = { _ in }
  ) throws -> [String] {
    try worklist(inputs, change).items.map(\.source.text)
  }
}

@Suite struct WorklistTests {
  @Test func directoryIsSearchedInByteOrder() throws {
    let tree = try Tree([
      "b.mp4", "a/z.JPG", "a.mp4", "a/b/c.webm", "B.mkv", "a/.hidden/x.mp4", ".x.mp4", "notes.txt",
      "a/a.jsonl", "mp4", "ä.png", "a-b/x.mov",
    ])
    let expected = [
      "B.mkv", "a-b/x.mov", "a.mp4", "a/b/c.webm", "a/z.JPG", "b.mp4", "ä.png",
    ]
    #expect(try tree.sources() == expected)
    #expect(expected.map { Array($0.utf8) }.isSorted)
    let list = try tree.worklist()
    #expect(list.found == expected.count)
    for item in list.items {
      #expect(item.input == InputVersion(try Stat(item.path)))
      #expect(item.input.size == 3)
    }
  }

  @Test func allFilesTakesEveryName() throws {
    let tree = try Tree(["a.txt", "mp4", "d/.h", "x.jsonl"])
    #expect(try tree.sources { $0.allFiles = true } == ["a.txt", "mp4", "x.jsonl"])
  }

  @Test func sourcesOfNamedFilesAreRelativeToTheRoot() throws {
    let tree = try Tree(["cam/a.mp4", "cam/b.data"])
    #expect(try tree.sources(["cam/b.data", "cam/a.mp4"]) == ["cam/b.data", "cam/a.mp4"])
    let cam = tree.path.appending("cam")
    #expect(try tree.sources(["cam/a.mp4"]) { $0.root = cam } == ["a.mp4"])
    #expect(throws: WorklistError.outsideRoot(tree.path.appending("cam/a.mp4"), root: "/usr")) {
      try tree.worklist(["cam/a.mp4"]) { $0.root = "/usr" }
    }
    // The root itself is no file below it, and a name that only begins like the root is not below it either.
    #expect(throws: WorklistError.self) {
      try tree.worklist(["cam/a.mp4"]) { $0.root = tree.path.appending("ca") }
    }
  }

  private static func sources(root: FilePath? = nil, naming names: FilePath...) -> SourceNaming {
    SourceNaming(root: root, names: names, in: WorkingDirectory())
  }

  /// One that has vanished must not give all others other names.
  @Test func listedNamesAreNeverPatterns() throws {
    let names: [FilePath] = ["/data/set[1]/a.mp4", "/data/set[1]/gone.mp4"]
    let listed = SourceNaming(root: nil, names: [], listed: names, in: WorkingDirectory())
    #expect(listed.common == "/data/set[1]")
    #expect(try listed.locate(names[0]).source == SourceName("a.mp4"))
    let typed = SourceNaming(root: nil, names: names, in: WorkingDirectory())
    #expect(typed.common == "/data")
  }

  @Test func relativePathsStartAtTheWorkingDirectory() throws {
    let sources = Self.sources()
    #expect(try sources.locate("./x//y.mp4") == (FilePath(""), SourceName("x/y.mp4")))
    #expect(throws: WorklistError.outsideRoot("../x.mp4", root: nil)) {
      try sources.locate("../x.mp4")
    }
    #expect(throws: WorklistError.outsideRoot("a/../x.mp4", root: nil)) {
      try sources.locate("a/../x.mp4")
    }
    let here = FilePath(FileManager.default.currentDirectoryPath)
    let inside = here.pushing("a/../x.mp4")
    #expect(throws: WorklistError.outsideRoot(inside, root: nil)) { try sources.locate(inside) }
    let above = here.removingLastComponent()
    let name = try #require(here.lastComponent).string
    #expect(
      try Self.sources(root: "..").locate("x.mp4") == (
        FilePath(".."), SourceName("\(name)/x.mp4")
      ))
    #expect(
      try Self.sources(root: above).locate(FilePath("../\(name)/x.mp4"))
        == (above, SourceName("\(name)/x.mp4")))
    #expect(try Self.sources(root: ".").locate("a.mp4") == (FilePath("."), SourceName("a.mp4")))
    #expect(throws: WorklistError.self) { try Self.sources(root: "..").locate("../../x.mp4") }
    #expect(throws: WorklistError.self) { try sources.locate(".detect-batch/x.mp4") }
    #expect(throws: WorklistError.outsideRoot(".", root: nil)) { try sources.locate(".") }
    #expect(try sources.locate(directory: ".") == (FilePath("."), []))
    #expect(try sources.locate(directory: "a/b/") == (FilePath(""), Array("a/b/".utf8)))
  }

  @Test func absolutePathsCountFromTheDirectoryThatHoldsAllNames() throws {
    #expect(
      try Self.sources(naming: "/data/clip.mp4").locate("/data/clip.mp4")
        == (FilePath("/data"), SourceName("clip.mp4")))
    let two = Self.sources(naming: "/data//a/x.mp4", "/data/./b/c/y.mp4")
    #expect(try two.locate("/data/a/x.mp4") == (FilePath("/data"), SourceName("a/x.mp4")))
    #expect(try two.locate("/data/b/c/y.mp4") == (FilePath("/data"), SourceName("b/c/y.mp4")))
    #expect(Self.sources(naming: "/a/x.mp4", "/b/x.mp4").common == "/")
    // A pattern is held by what stands before its first component that is one.
    #expect(Self.sources(naming: "/data/cam*/x.mp4").common == "/data")
    #expect(Self.sources(naming: "/data/clips", "/data/clips/x.mp4").common == "/data")
    // Names that only begin alike.
    #expect(Self.sources(naming: "/data/ab/x.mp4", "/data/abc/x.mp4").common == "/data")
    let here = FilePath(FileManager.default.currentDirectoryPath)
    let mixed = Self.sources(naming: here.appending("a.mp4"), "b/c.mp4")
    #expect(try mixed.locate(here.appending("a.mp4")) == (here, SourceName("a.mp4")))
    #expect(try mixed.locate("b/c.mp4") == (FilePath(""), SourceName("b/c.mp4")))

    let tree = try Tree(["a/x.mp4", "b/x.mp4"])
    func worklist(_ names: String...) throws -> Worklist {
      try tree.worklist(names) { $0.root = nil }
    }
    let one = try worklist("a/x.mp4")
    #expect(one.items.map(\.source.text) == ["x.mp4"])
    #expect(one.commonRoot == tree.path.appending("a"))
    #expect(try worklist("a/x.mp4", "b/x.mp4").items.map(\.source.text) == ["a/x.mp4", "b/x.mp4"])
    #expect(try worklist("*/x.mp4").items.map(\.source.text) == ["a/x.mp4", "b/x.mp4"])
    // A directory's files count from the directory, whatever its path.
    #expect(try worklist("a").items.map(\.source.text) == ["x.mp4"])
    #expect(try worklist("a").commonRoot == nil)
  }

  @Test func directoriesWithEqualNamesKeepTheirOwn() throws {
    let tree = try Tree(["x/a.mp4", "x/deep/b.mp4", "y/a.mp4", "y/c.mp4", "z/d.mp4"])
    for root in [tree.path, nil] {
      let list = try tree.worklist(["x", "y"]) { $0.root = root }
      #expect(list.items.map(\.source.text) == ["x/a.mp4", "x/deep/b.mp4", "y/a.mp4", "y/c.mp4"])
      #expect(list.items.allSatisfy { (try? Stat($0.path)) != nil })
      #expect(list.failures.isEmpty)
      #expect(list.commonRoot == (root == nil ? tree.path : nil))
    }
    // Without equal names they count from their directories as ever.
    #expect(try tree.sources(["x", "z"]) == ["a.mp4", "deep/b.mp4", "d.mp4"])
  }

  @Test func namesThatAreNotUTF8AreKept() throws {
    let tree = try Tree()
    let odd: [[UInt8]] = [
      Array("caf".utf8) + [0xe9] + Array(".mp4".utf8), Array("a\nb.mp4".utf8),
      Array("%03d.jpg".utf8), Array("cam:1 x.mp4".utf8), Array("-o.mp4".utf8),
      Array("[a].png".utf8),
    ]
    for name in odd { try tree.write(name) }
    let list = try tree.worklist()
    #expect(list.items.map(\.source.bytes) == odd.sorted { $0.lexicographicallyPrecedes($1) })
    #expect(list.items.allSatisfy { (try? Stat($0.path)) != nil })
    #expect(list.items.first { !$0.source.isText }?.source.text == "caf\u{fffd}.mp4")
    // By name, too: one that looks like a pattern and exists is itself.
    #expect(try tree.sources(["[a].png"]) == ["[a].png"])
  }

  @Test func loopsOfLinksEnd() throws {
    let tree = try Tree(["a/b/x.mp4", "real/y.mp4"])
    try tree.link("a/b/up", to: "..")
    try tree.link("top", to: ".")
    try tree.link("linked", to: "real")
    try tree.link("self.mp4", to: "self.mp4")
    try tree.link("dangling.mp4", to: "nowhere")
    try tree.link("dangling.txt", to: "nowhere")
    try tree.link("z.mp4", to: "real/y.mp4")
    let list = try tree.worklist()
    #expect(list.items.map(\.source.text) == ["a/b/x.mp4", "linked/y.mp4", "real/y.mp4", "z.mp4"])
    #expect(list.notes.count == 2)
    #expect(
      list.failures.map { $0.source?.text } == ["dangling.mp4", "self.mp4"]
        || list.failures.map { $0.source?.text } == ["self.mp4", "dangling.mp4"])
  }

  @Test func outputDirectoriesAreNotSearched() throws {
    let tree = try Tree([
      "clips/a.mp4", "out/a.png", "older/deep/x.png", "older/.detect-batch/manifest.log",
    ])
    let list = try tree.worklist()
    #expect(list.items.map(\.source.text) == ["clips/a.mp4"])
    #expect(list.notes.count == 2)
    #expect(throws: WorklistError.outputAsInput(tree.path.appending("out"))) {
      try tree.worklist(["out"])
    }
    #expect(throws: WorklistError.outputAsInput(tree.path.appending("older"))) {
      try tree.worklist(["older"])
    }
    // Under another name it is the same directory.
    try tree.link("clips/o", to: "../out")
    #expect(try tree.sources(["clips"]) == ["a.mp4"])
    #expect(try tree.sources(["out/a.png"]) == ["out/a.png"])
  }

  @Test func duplicatesAreTakenOnce() throws {
    let tree = try Tree(["a.mp4", "b/a.mp4"])
    #expect(try tree.sources(["a.mp4", "a.mp4", ".", "./a.mp4"]) == ["a.mp4", "b/a.mp4"])
    try tree.link("c", to: "b")
    #expect(try tree.sources(["b", "c"]) == ["a.mp4"])
  }

  @Test func twoInputsOfOneOutputFailAlone() throws {
    let tree = try Tree([
      "x/a.mp4", "x/b.mp4", "a.mp4", "z/a.mp4", "z/a.mp4.jsonl/b.mp4", "z/c.mp4",
    ])
    let same = WorklistError.sameOutput(
      tree.path.appending("x/a.mp4"), tree.path.appending("a.mp4"),
      record: tree.path.appending("out/a.mp4.jsonl"))
    let list = try tree.worklist(["x", "a.mp4"])
    #expect(list.items.map(\.source.text) == ["b.mp4"])
    #expect(
      list.failures
        == ["x/a.mp4", "a.mp4"].map { name in
          Worklist.Failure(
            path: tree.path.appending(name), source: try? SourceName("a.mp4"),
            reason: same.description)
        })
    // Shards agree about them.
    let shards = try (1...3).map { index in
      try tree.worklist(["x", "a.mp4"]) { $0.shard = Part(index: index, count: 3) }
    }
    #expect(shards.map(\.failures.count).sorted() == [0, 0, 2])

    let inTheWay = WorklistError.outputInTheWay(
      tree.path.appending("z/a.mp4"), tree.path.appending("z/a.mp4.jsonl/b.mp4"),
      record: tree.path.appending("out/a.mp4.jsonl"))
    let third = try tree.worklist(["z"])
    #expect(third.items.map(\.source.text) == ["c.mp4"])
    #expect(third.failures.map(\.reason) == [inTheWay.description, inTheWay.description])
    #expect(third.failures.map(\.source?.text) == ["a.mp4", "a.mp4.jsonl/b.mp4"])
  }

  @Test func patternsKeepTheDirectoriesInTheNames() throws {
    let tree = try Tree([
      "cam1/a.mp4", "cam1/deep/b.mp4", "cam2/a.mp4", "cam2/notes.txt", "out/cam1/a.mp4.jsonl",
      "out/x.mp4",
    ])
    let all = ["cam1/a.mp4", "cam1/deep/b.mp4", "cam2/a.mp4"]
    #expect(try tree.sources(["cam*"]) == all)
    #expect(try tree.sources(["**/*.mp4"]) == all)
    #expect(try tree.sources(["*/[a]*", "cam1/deep"]) == ["cam1/a.mp4", "cam2/a.mp4", "b.mp4"])
    // What a pattern names is taken whatever its extension; what an output directory holds is not.
    #expect(try tree.sources(["*/notes*"]) == ["cam2/notes.txt"])
    #expect(
      try tree.worklist(["*/*.mp4"]).notes == ["left out \(tree.path)/out: an output directory"])
    let everything = try tree.worklist(["**"])
    #expect(everything.items.map(\.source.text) == all)
    #expect(everything.notes == ["left out \(tree.path)/out: an output directory"])
  }

  @Test func whatIsLeftOutIsCounted() throws {
    let tree = try Tree([
      "a.mp4", "b.xcf", "c/d.XCF", "c/e.cr2", "c/f", ".hidden", ".git/x.xcf", "c/notes.txt",
      "out/x.jsonl",
    ])
    let list = try tree.worklist { $0.output = tree.path.appending("out") }
    #expect(list.leftOut.files == ["xcf": 2, "cr2": 1, "": 1, "txt": 1])
    #expect(list.leftOut.words == "2 .xcf, 1 without an extension, 1 .cr2, 1 .txt")
    #expect(list.leftOut.unwanted == 0)
    // What the user does not want is not told, but counted where it could have been looked at.
    let some = try tree.worklist {
      $0.exclude = ["*.txt", "*.XCF", "*.xcf"]
      $0.include = ["c", "*.mp4"]
    }
    #expect(some.leftOut.files == ["cr2": 1, "": 1])
    #expect(try tree.worklist(["a.mp4"]).leftOut == Worklist.LeftOut())
    #expect(try tree.worklist { $0.allFiles = true }.leftOut.files.isEmpty)
    let error = #expect(throws: WorklistError.self) {
      try tree.worklist { $0.include = ["*.mkv"] }
    }
    #expect(error?.description.contains("--include and --exclude leave out 1 files") == true)
    var many = Worklist.LeftOut()
    for number in 0..<5000 { many.add(fileNamed: Array("a.\(number)".utf8)) }
    #expect(many.files.count <= 1001 && many.files.values.reduce(0, +) == 5000)
    #expect(many.words.hasSuffix(" others"))
  }

  @Test func whatIsMissingIsSaid() throws {
    let tree = try Tree(["a.mp4", "empty/notes.txt"])
    let gone = [
      tree.path.appending("gone.mp4"), tree.path.appending("a.mp4/x"), tree.path.appending("*.avi"),
    ]
    let error = WorklistError.missing(gone)
    #expect(throws: error) { try tree.worklist(["gone.mp4", "a.mp4", "a.mp4/x", "*.avi"]) }
    #expect(error.kind == .missingInput)
    var notes = Worklist.LeftOut()
    notes.add(fileNamed: Array("notes.txt".utf8))
    let nothing = WorklistError.nothingFound([tree.path.appending("empty")], notes)
    #expect(throws: nothing) { try tree.worklist(["empty"]) }
    #expect(nothing.kind == .missingInput)
    #expect(try tree.worklist(["empty"]) { $0.allowsEmpty = true }.found == 0)
    var excluded = Worklist.LeftOut()
    for _ in 0..<2 { excluded.addUnwanted() }
    #expect(throws: WorklistError.nothingFound([tree.path], excluded)) {
      try tree.worklist { $0.exclude = ["*"] }
    }
    #expect(throws: WorklistError.notAFile("/dev/null")) {
      try tree.worklist([]) { $0.inputs = ["/dev/null"] }
    }
    // An empty shard is not an empty input.
    let shards = try (1...2).map { index in
      try tree.worklist { $0.shard = Part(index: index, count: 2) }
    }
    #expect(shards.map(\.items.count).sorted() == [0, 1])
    #expect(shards.map(\.found) == [1, 1])
  }

  @Test func unreadableDirectoriesAreReported() throws {
    let tree = try Tree(["a.mp4"])
    // Root reads every directory, but none whose path is longer than the system takes.
    let script =
      "cd \"$1\"; n=$(printf 'x%.0s' {1..250}); for i in {1..20}; do mkdir $n; cd $n; done; touch y.mp4"
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script, "bash", tree.path.string]
    try process.run()
    process.waitUntilExit()
    let list = try tree.worklist()
    let deep = try #require(list.failures.last)
    #expect(deep.reason == "File name too long")
    #expect(deep.source == nil)
    #expect(list.items.map(\.source.text) == ["a.mp4"])
    #expect(list.failures.count == 1)
  }

  @Test(.disabled(if: geteuid() == 0, "root reads everything"))
  func forbiddenDirectoriesAreReported() throws {
    let tree = try Tree(["a.mp4", "locked/b.mp4"])
    chmod(tree.path.appending("locked").string, 0)
    defer { chmod(tree.path.appending("locked").string, 0o700) }
    let list = try tree.worklist()
    #expect(list.items.map(\.source.text) == ["a.mp4"])
    #expect(
      list.failures == [
        Worklist.Failure(
          path: tree.path.appending("locked"), source: nil, reason: "Permission denied")
      ])
    // What cannot be reached cannot be said to be missing.
    let named = try tree.worklist(["locked/b.mp4"])
    #expect(named.failures.map { $0.source?.text } == ["locked/b.mp4"])
    #expect(named.found == 0)
  }

  @Test func listsNameInputs() throws {
    let tree = try Tree(["a.mp4", "b c.mp4", "d/e.png", "*.mp4"])
    func list(_ names: [String], _ separator: String) throws -> FilePath {
      let file = tree.path.appending("list")
      let text = names.map { tree.path.appending($0).string + separator }.joined()
      try Data(text.utf8).write(to: URL(filePath: file.string))
      return file
    }
    for separator in ["\n", "\0", "\n\n"] {
      let file = try list(["b c.mp4", "*.mp4", "d"], separator)
      #expect(try tree.sources([]) { $0.lists = [file] } == ["b c.mp4", "*.mp4", "d/e.png"])
    }
    let root = try list([""], "\n")
    #expect(try tree.sources([]) { $0.lists = [root] } == ["*.mp4", "a.mp4", "b c.mp4", "d/e.png"])
    #expect(throws: WorklistError.missing(["/nowhere/list"])) {
      try tree.worklist([]) { $0.lists = ["/nowhere/list"] }
    }
    #expect(throws: WorklistError.unreadableList(tree.path, .isDirectory)) {
      try tree.worklist([]) { $0.lists = [tree.path] }
    }
  }

  /// One name of a list that is of no use is one failed input.
  @Test func whatAListNamesWronglyFailsAlone() throws {
    let tree = try Tree(["a.mp4", "b.mp4"])
    try #require(mkfifo(tree.path.appending("fifo.mp4").string, 0o600) == 0)
    let file = tree.path.appending("list")
    let names = ["a.mp4", "gone.mp4", "fifo.mp4", "a.mp4/x", "b.mp4"]
    let text = names.map { tree.path.appending(FilePath($0).components).string }.joined(
      separator: "\n")
    try Data((text + "\n/elsewhere/x.mp4\n").utf8).write(to: URL(filePath: file.string))
    let list = try tree.worklist([]) { $0.lists = [file] }
    #expect(list.items.map(\.source.text) == ["a.mp4", "b.mp4"])
    #expect(
      list.failures.map { "\($0.source?.text ?? $0.path.string): \($0.reason)" } == [
        "gone.mp4: No such file or directory", "fifo.mp4: neither a file nor a directory",
        "a.mp4/x: No such file or directory", "/elsewhere/x.mp4: No such file or directory",
      ])
    // Nothing else in it: still failed inputs, not no input.
    try Data("\(tree.path)/gone.mp4".utf8).write(to: URL(filePath: file.string))
    #expect(try tree.worklist([]) { $0.lists = [file] }.failures.count == 1)
    // The same by a pattern; typed as it is, it is the user's to mend.
    #expect(try tree.worklist(["f*.mp4"]).failures.map { $0.source?.text } == ["fifo.mp4"])
    #expect(throws: WorklistError.notAFile(tree.path.appending("fifo.mp4"))) {
      try tree.worklist(["fifo.mp4"])
    }
  }

  @Test func listsOfWindowsAreUnderstood() throws {
    let tree = try Tree(["a.mp4", "b.mp4", "c.mp4\r"])
    let file = tree.path.appending("list")
    func sources(_ lines: String) throws -> [String] {
      let text = lines.replacing("@", with: tree.path.string + "/")
      try Data(text.utf8).write(to: URL(filePath: file.string))
      let list = try tree.worklist([]) { $0.lists = [file] }
      #expect(list.failures.isEmpty, "\(list.failures)")
      return list.items.map(\.source.text)
    }
    let mark = "\u{feff}"
    for text in [
      "@a.mp4\r\n@b.mp4\r\n", "@a.mp4\r\n@b.mp4", mark + "@a.mp4\n@b.mp4\n",
      mark + "@a.mp4\r\n\r\n@b.mp4\r\n",
    ] { #expect(try sources(text) == ["a.mp4", "b.mp4"], "\(text.debugDescription)") }
    #expect(try sources(mark + "@a.mp4\r\n") == ["a.mp4"])
    // Where not every line has one, it is part of a name.
    #expect(try sources("@a.mp4\n@c.mp4\r\n@b.mp4\n") == ["a.mp4", "c.mp4\r", "b.mp4"])
    #expect(try sources("@a.mp4\0@c.mp4\r\0") == ["a.mp4", "c.mp4\r"])
  }

  @Test func includeAndExcludeLookAtSources() throws {
    let tree = try Tree(["cam1/a.mp4", "cam1/b.jpg", "cam2/a.mp4", "cam2/sub/c.mp4", "top.mp4"])
    func sources(include: [FilePath] = [], exclude: [FilePath] = []) throws -> [String] {
      try tree.sources {
        $0.include = include
        $0.exclude = exclude
        $0.allowsEmpty = true
      }
    }
    #expect(
      try sources(include: ["*.mp4"]) == ["cam1/a.mp4", "cam2/a.mp4", "cam2/sub/c.mp4", "top.mp4"])
    #expect(try sources(include: ["cam1"]) == ["cam1/a.mp4", "cam1/b.jpg"])
    #expect(try sources(include: ["cam2/*.mp4"]) == ["cam2/a.mp4"])
    #expect(try sources(include: ["/*.mp4"]) == ["top.mp4"])
    #expect(try sources(include: ["**/a.mp4", "top*"]) == ["cam1/a.mp4", "cam2/a.mp4", "top.mp4"])
    #expect(try sources(exclude: ["cam2/", "*.jpg"]) == ["cam1/a.mp4", "top.mp4"])
    #expect(
      try sources(exclude: ["cam2/sub"]) == ["cam1/a.mp4", "cam1/b.jpg", "cam2/a.mp4", "top.mp4"])
    #expect(try sources(include: ["cam?"], exclude: ["cam2"]) == ["cam1/a.mp4", "cam1/b.jpg"])
    // They hold for named files too.
    #expect(
      try tree.sources(["top.mp4", "cam1/b.jpg"]) { $0.exclude = ["top*"] } == ["cam1/b.jpg"])
  }

  @Test func youngFilesAreLeftForNextTime() throws {
    let tree = try Tree(["young.mp4", "old.mp4", "future.mp4"])
    func age(_ name: String, _ seconds: Double) throws {
      try FileManager.default.setAttributes(
        [.modificationDate: Date.now.addingTimeInterval(-seconds)],
        ofItemAtPath: tree.path.appending(name).string)
    }
    try age("young.mp4", 100)
    try age("old.mp4", 1000)
    try age("future.mp4", -100_000)
    let list = try tree.worklist { $0.settle = .seconds(600) }
    #expect(list.items.map(\.source.text) == ["future.mp4", "old.mp4"])
    #expect(list.settling.map(\.source.text) == ["young.mp4"])
    #expect(list.found == 3)
    #expect(try tree.sources { $0.settle = .milliseconds(1) }.count == 3)
    #expect(try tree.sources(["young.mp4"]) { $0.settle = .seconds(600) } == [])
  }

  @Test func shardsPartitionTheInputs() throws {
    let tree = try Tree((0..<200).map { "d\($0 % 7)/\($0).png" })
    let whole = try tree.sources()
    for count in [1, 2, 3, 7] {
      let shards = try (1...count).map { index in
        try tree.sources { $0.shard = Part(index: index, count: count) }
      }
      #expect(shards.flatMap { $0 }.sorted() == whole.sorted())
      for shard in shards {
        #expect(shard == whole.filter(Set(shard).contains))
        // 200 inputs: 5 standard deviations.
        let expected = 200 / Double(count)
        #expect(abs(Double(shard.count) - expected) < 5 * expected.squareRoot() + 1)
      }
    }
  }
}

extension [[UInt8]] {
  fileprivate var isSorted: Bool {
    zip(self, dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
  }
}
