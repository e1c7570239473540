import DetectionPipeline
import Digests
import Downloads
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import RetinaNetModel
@testable import detect_batch

/// `models` and `fetch`.
struct FetchTests {
  private typealias Response = LoopbackServer.Response

  private static let fixtures = FilePath(TestData.packageRoot.path)
    .appending("Tests/RetinaNetModelTests/Fixtures")

  private func fetch(
    _ arguments: [any Argument], in workspace: Workspace, environment: [String: String] = [:]
  ) throws -> ToolOutcome {
    try Tool.run(
      ["fetch"] + arguments, in: workspace,
      environment: ["DETECT_BATCH_HOME": workspace.file("home").string].merging(environment) { $1 })
  }

  @Test func everyRowOfTheTable() throws {
    #expect(PublishedModel.all.count == 13)
    #expect(Set(PublishedModel.all.map(\.name)).count == 13)
    for model in PublishedModel.all {
      #expect(PublishedModel.named(model.name)?.name == model.name)
      #expect(model.name.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)+/) != nil, "\(model.name)")
      #expect(!model.classes.isEmpty && !model.publisher.isEmpty)
      #expect(["BSD-3-Clause", "CC-BY-SA-3.0", "Apache-2.0", "MIT"].contains(model.licence))
      #expect(model.page.hasPrefix("https://"))
      #expect(model.averagePrecision.map { (30...45).contains($0) } ?? (model.columnCount == 1))
      #expect((80_000_000...400_000_000).contains(model.approximateByteCount), "\(model.name)")
      #expect(!model.files.isEmpty)
      for file in model.files {
        #expect(URL(string: file.address)?.scheme == "https", "\(file.address)")
        #expect(file.address.hasSuffix(file.name.split(separator: "/").last ?? "?"))
        // Digits of a digest are those in the file's name.
        switch file.digest {
        case .sha256(let digits):
          #expect(file.name.hasSuffix("-\(digits).pth") && digits.count == 8, "\(file.name)")
        case .md5(let digits):
          #expect(file.name == "model_final_\(digits).pkl" && digits.count == 6, "\(file.name)")
        case nil:
          #expect(file.address.hasPrefix("https://huggingface.co/"))
        }
        if let byteCount = file.byteCount {
          // A published size is that of the numbers and a little more.
          let overhead = byteCount - model.approximateByteCount
          #expect((0...400_000).contains(overhead), "\(model.name): \(overhead)")
        }
      }
    }
    // Mirrors keep one file under one name.
    let names = PublishedModel.all.flatMap { $0.files.map(\.name) }
    #expect(Set(names).count == names.count)
  }

  @Test func modelsAreListed() throws {
    let workspace = try Workspace()
    let environment = ["DETECT_BATCH_HOME": workspace.file("home").string]
    try workspace.write("home/models/torchvision-r50.safetensors", "whatever")
    let table = try Tool.run(["models"], in: workspace, environment: environment)
    #expect(table.status == 0, "\(table.messages)")
    let lines = table.text.split(separator: "\n")
    #expect(lines.first?.hasPrefix("NAME ") == true)
    #expect(lines.contains { $0.hasPrefix("codes ") && $0.contains(" yes ") })
    #expect(lines.contains { $0.hasPrefix("torchvision-r50 ") && $0.contains(" yes ") })
    #expect(lines.contains { $0.hasPrefix("detectron2-r101 ") && $0.contains(" 40.4 ") })
    let json = try Tool.run(["models", "--json"], in: workspace, environment: environment)
    let objects = try json.text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.count == lines.count - 1)
    let r50 = try #require(objects.first { $0["name"] as? String == "torchvision-r50" })
    #expect(
      r50["path"] as? String == workspace.file("home/models/torchvision-r50.safetensors").string)
    #expect(r50["bytes"] as? Int == 136_595_076)
    let tree = try #require(objects.first { $0["name"] as? String == "deepforest-tree" })
    #expect(tree["path"] is NSNull && tree["averagePrecision"] is NSNull)
    #expect((tree["addresses"] as? [String])?.count == 2)
  }

  /// A small network as if somebody published it.
  private static func published(
    _ files: [(name: String, fixture: String)],
    digest: (FilePath) throws -> PublishedModel.File.Digest?, byteCount: Int? = nil
  ) throws -> PublishedModel {
    let description = try DetectionModel(
      contentsOf: fixtures.appending(FilePath("families/\(files[0].fixture)").components)
    ).description
    return PublishedModel(
      name: "small", publisher: "Nobody", preset: description.conventions.nearestPreset,
      architecture: description.architecture, columnCount: description.classes.count,
      classes: "things", averagePrecision: nil, licence: "MIT", page: "https://example.org",
      files: try files.enumerated().map { index, file in
        .init(
          address: "https://example.org/\(file.name)", name: file.name,
          byteCount: index == 0 ? byteCount : nil,
          digest: index == 0 ? try digest(fixture(file.fixture)) : nil)
      })
  }

  private static func fixture(_ name: String) -> FilePath {
    fixtures.appending(FilePath("families/\(name)").components)
  }

  private func run(_ model: PublishedModel, _ server: LoopbackServer, _ folder: FilePath) throws {
    try ModelFetch(model: model, source: ModelSource(server.address), folder: folder) { true }.run()
  }

  /// Serves fixtures by their published names.
  private static func serve(
    _ files: [(name: String, fixture: String)],
    _ change: @escaping @Sendable (inout Response, LoopbackServer.Request, Int) -> Void = {
      _, _, _ in
    }
  ) throws -> LoopbackServer {
    let contents = Dictionary(
      uniqueKeysWithValues: try files.map { ("/\($0.name)", try Bytes.of(fixture($0.fixture))) })
    return try LoopbackServer { request, number in
      var response =
        contents[request.target].map { Response.file($0, from: request.offset) } ?? Response(404)
      change(&response, request, number)
      return response
    }
  }

  /// MD5 of Detectron2, over a connection that is cut.
  @Test func aPickleIsFetchedInPiecesAndImported() throws {
    let workspace = try Workspace()
    let files = [(name: "model_final.pkl", fixture: "detectron2-zoo.pkl")]
    let model = try Self.published(files) {
      .md5(String(try MD5Digest.hexadecimal(ofFile: $0).prefix(6)))
    }
    let server = try Self.serve(files) { response, _, number in
      guard number == 0 else { return }
      response.announced = response.body.count
      response.body = Array(response.body.prefix(20_000))
    }
    try run(model, server, workspace.file("models"))
    #expect(server.requests.map(\.offset) == [nil, 20_000])
    let imported = try DetectionModel(contentsOf: workspace.file("models/small.safetensors"))
    #expect(imported.description.conventions == Conventions.Preset.detectron2.conventions)
    #expect(!workspace.exists("models/.fetch/small"))
    let target = workspace.file("models/small.safetensors")
    #expect(
      ModelFetch(
        model: model, source: .publishers, folder: workspace.file("models"), goesOn: { true }
      ).target == target)
  }

  /// Two files beside each other, whose server says digest and size when it redirects.
  @Test func theHubsPromiseIsKept() throws {
    let files = [
      (name: "tree/model.safetensors", fixture: "deepforest-hub/model.safetensors"),
      (name: "tree/config.json", fixture: "deepforest-hub/config.json"),
    ]
    let model = try Self.published(files) { _ in nil }
    let right = try SHA256Digest.hexadecimal(ofFile: Self.fixture(files[0].fixture))
    let size = try Bytes.of(Self.fixture(files[0].fixture)).count
    for (digest, byteCount) in [(right, size), (String(right.reversed()), size), (right, size + 1)]
    {
      let workspace = try Workspace()
      let server = try Self.serve(files) { response, request, _ in
        if request.target == "/tree/model.safetensors" {
          response = Response(
            302,
            headers: [
              "Location: /cdn", "X-Linked-Size: \(byteCount)", "X-Linked-ETag: \"\(digest)\"",
            ])
        } else if request.target == "/cdn" {
          // Bound to be there: it was read above.
          response = .file(
            (try? Bytes.of(Self.fixture(files[0].fixture))) ?? [], from: request.offset)
        }
      }
      if digest == right && byteCount == size {
        try run(model, server, workspace.file("models"))
        let imported = try DetectionModel(contentsOf: workspace.file("models/small.safetensors"))
        #expect(imported.description.classes == ["Tree", "Bird"])
        #expect(imported.description.postprocessing.scoreThreshold == 0.1)
      } else {
        let error = #expect(throws: Fault.self) {
          try run(model, server, workspace.file("models"))
        }
        #expect(error?.status == .unusableInput)
        #expect(error?.description.hasSuffix("it was thrown away") == true, "\(error as Any)")
        #expect(!workspace.exists("models/small.safetensors"))
      }
    }
  }

  @Test func whatIsNotTheFileIsThrownAway() throws {
    let workspace = try Workspace()
    let files = [(name: "m.pth", fixture: "mmdetection-published.pth")]
    let size = try Bytes.of(Self.fixture(files[0].fixture)).count
    let right = try Self.published(files) { .sha256(try SHA256Digest.hexadecimal(ofFile: $0)) }
    let server = try Self.serve(files)
    for (model, text) in [
      (try Self.published(files) { _ in .sha256("00000000") }, "its SHA-256 begins"),
      (try Self.published(files) { _ in .md5("000000") }, "its MD5 begins"),
      (
        try Self.published(files, digest: { _ in nil }, byteCount: size + 1),
        "it has \(size) bytes, not \(size + 1)"
      ),
    ] {
      let error = #expect(throws: Fault.self) {
        try run(model, server, workspace.file("models"))
      }
      #expect(error?.description.contains(text) == true, "\(error as Any)")
      #expect(!workspace.exists("models/.fetch/small/m.pth"))
    }
    // A smaller file than the server's: no more than was published is received.
    let small = try Self.published(files, digest: { _ in nil }, byteCount: 1000)
    let large = #expect(throws: DownloadError.self) {
      try run(small, server, workspace.file("models"))
    }
    #expect(large?.problem == .tooLarge(limit: 1000))
    // The beginning of something else, left by an earlier call: all of it is received anew.
    try workspace.write("models/.fetch/small/m.pth", Array(repeating: 1, count: 5000))
    try run(right, server, workspace.file("models"))
    #expect(server.requests.suffix(2).map(\.offset) == [5000, nil])
    #expect(workspace.exists("models/small.safetensors"))
    // Another network than the table says.
    let wrong = PublishedModel(
      name: "other", publisher: "Nobody", preset: .mmdetection,
      architecture: .init(backbone: .resnet101), columnCount: 80, classes: "things",
      averagePrecision: nil, licence: "MIT", page: "", files: right.files)
    let error = #expect(throws: Fault.self) { try run(wrong, server, workspace.file("models")) }
    #expect(error?.description.contains("not the model that was published as other") == true)
  }

  @Test func aFolderTakesTheServersPlace() throws {
    let workspace = try Workspace()
    let files = [(name: "m.pth", fixture: "mmdetection-published.pth")]
    let model = try Self.published(files) { .sha256(try SHA256Digest.hexadecimal(ofFile: $0)) }
    try workspace.write("mirror/m.pth", Bytes.of(Self.fixture(files[0].fixture)))
    let fetch = ModelFetch(
      model: model, source: .folder(workspace.file("mirror")), folder: workspace.file("models")
    ) { true }
    try fetch.run()
    #expect(workspace.exists("models/small.safetensors") && workspace.exists("mirror/m.pth"))
    try workspace.write("mirror/m.pth", [1, 2, 3])
    let error = #expect(throws: Fault.self) { try fetch.run() }
    #expect(error?.description.hasSuffix("damaged, or not the file that was published") == true)
    let outcome = try self.fetch(["detectron2-r50", "--from", "mirror"], in: workspace)
    #expect(outcome.status == 66, "\(outcome.messages)")
    #expect(outcome.messages.contains("mirror/model_final_5bd44e.pkl: is not there"))
  }

  /// The command: names, places, proxies, a full disk and an interruption.
  @Test func theCommandSaysWhatIsWrong() throws {
    let workspace = try Workspace()
    let unknown = try fetch(["retinanet"], in: workspace)
    #expect(unknown.status == 64, "\(unknown.messages)")
    #expect(
      unknown.messages.contains("there is no model 'retinanet' to be fetched; there are torch"))
    let nowhere = try fetch(["mmdetection-r18", "--from", "nowhere"], in: workspace)
    #expect(nowhere.status == 66 && nowhere.messages.contains("neither a directory nor an http"))
    let server = try LoopbackServer { request, _ in
      request.target.hasSuffix("/model_final_5bd44e.pkl")
        ? .file(Array(repeating: 0, count: 200_000), from: request.offset) : Response(404)
    }
    let missing = try fetch(["mmdetection-r18", "--from", server.address], in: workspace)
    #expect(missing.status == 66, "\(missing.messages)")
    #expect(missing.messages.contains("is not there (HTTP 404)"))
    // Through a proxy, which gets the whole address.
    let proxied = try fetch(
      ["detectron2-r50", "--from", "http://mirror.invalid/m"], in: workspace,
      environment: ["http_proxy": server.address, "no_proxy": ""])
    #expect(proxied.status == 65, "\(proxied.messages)")
    #expect(proxied.messages.contains("its MD5 begins"))
    #expect(
      server.requests.last?.target == "http://mirror.invalid/m/model_final_5bd44e.pkl")
    // A file of no more than 50 KiB can be written: what a full disk says, too, is said of the file.
    let full = try Tool.run(
      "/bin/bash",
      [
        "-c", "ulimit -f 50; exec \"$0\" fetch detectron2-r50 --from \(server.address)",
        Tool.program.string,
      ], in: workspace, environment: ["DETECT_BATCH_HOME": workspace.file("home").string])
    #expect(full.status == 74, "\(full.messages)")
    #expect(full.messages.contains("model_final_5bd44e.pkl: writing failed"))
    // It is gone on from, once there is room.
    _ = try fetch(["detectron2-r50", "--from", server.address], in: workspace)
    #expect(server.requests.suffix(2).map(\.offset) == [51_200, nil])
    // A model that is there already is left alone.
    try workspace.write("home/models/detectron2-r50.safetensors", "mine")
    let again = try fetch(["detectron2-r50", "--from", server.address], in: workspace)
    #expect(again.status == 0 && again.messages.contains("is there"), "\(again.messages)")
    // Without DETECT_BATCH_HOME models lie in the user's data folder.
    let data = try Tool.run(
      ["models", "--json"], in: workspace, environment: ["XDG_DATA_HOME": workspace.path.string])
    #expect(data.status == 0 && !data.text.contains("\(workspace.path)/home"))
  }

  @Test func anInterruptionKeepsWhatIsThere() throws {
    let workspace = try Workspace()
    let server = try LoopbackServer { _, _ in
      // The rest never comes.
      Response(body: Array(repeating: 0, count: 1000), announced: 1_000_000)
    }
    let process = try Tool.start(
      Tool.program, ["fetch", "detectron2-r101", "--from", server.address], in: workspace,
      environment: ["DETECT_BATCH_HOME": workspace.file("home").string])
    let limit = ContinuousClock.now + .seconds(30)
    while server.requests.isEmpty, ContinuousClock.now < limit { usleep(10_000) }
    process.send(SIGTERM)
    let outcome = try process.wait()
    #expect(outcome.status == 143, "\(outcome.messages)")
    #expect(outcome.messages.contains("what was received is kept"))
    #expect(workspace.exists("home/models/.fetch/detectron2-r101/model_final_971ab9.pkl"))
  }
}
