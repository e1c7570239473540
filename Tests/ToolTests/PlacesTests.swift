import Foundation
import SystemPackage
import Testing

@testable import DetectionPipeline
@testable import detect_batch

struct PlacesTests {
  @Test func looksInOrder() throws {
    let workspace = try Workspace()
    for file in [
      "home/models/a.safetensors", "prefix/share/detect-batch/models/a.safetensors",
      "prefix/share/detect-batch/models/b.safetensors",
      "prefix/share/detect-batch/pipelines/p.yaml",
      "checkout/Package.swift", "checkout/samples/models/b.safetensors",
      "checkout/samples/models/c.pth", "checkout/pipelines/q.yaml",
    ] { try workspace.write(file, "") }

    let installed = Places(
      home: workspace.file("home"), executable: workspace.file("prefix/bin/detect-batch"))
    #expect(try installed.find(.model, "a") == workspace.file("home/models/a.safetensors"))
    #expect(
      try installed.find(.model, "b.safetensors")
        == workspace.file("prefix/share/detect-batch/models/b.safetensors"))
    #expect(
      try installed.find(.pipeline, "p")
        == workspace.file("prefix/share/detect-batch/pipelines/p.yaml"))

    let built = Places(
      home: nil, executable: workspace.file("checkout/.build/release/detect-batch"))
    #expect(try built.find(.model, "c") == workspace.file("checkout/samples/models/c.pth"))
    #expect(try built.find(.pipeline, "q") == workspace.file("checkout/pipelines/q.yaml"))

    let path = workspace.file("checkout/samples/models/c.pth").string
    #expect(try installed.find(.model, path) == FilePath(path))

    let error = #expect(throws: Fault.self) { try built.find(.model, "d") }
    #expect(error?.status == .unusableInput)
    #expect(
      error?.description
        == "there is no model 'd': neither a file of that path nor one of that name in "
        + "\(workspace.path)/checkout/.build/share/detect-batch/models, "
        + "\(workspace.path)/checkout/samples/models (there: b, c)")
  }

  @Test func fetchedModelsAreFoundAfterTheUsersOwn() throws {
    let workspace = try Workspace()
    for file in [
      "home/models/a.safetensors", "data/detect-batch/models/a.safetensors",
      "data/detect-batch/models/b.safetensors",
    ] { try workspace.write(file, "") }
    let data = workspace.file("data")
    let userData = try #require(Places.userData(["XDG_DATA_HOME": data.string, "HOME": "/h"]))
    #expect(userData == data.appending("detect-batch"))
    #expect(
      Places.userData(["XDG_DATA_HOME": "x", "HOME": "/h"]) == "/h/.local/share/detect-batch")
    #expect(Places.userData(["HOME": ""]) == nil)
    let places = Places(home: workspace.file("home"), userData: userData, executable: nil)
    #expect(try places.find(.model, "a") == workspace.file("home/models/a.safetensors"))
    #expect(try places.find(.model, "b") == userData.appending("models/b.safetensors"))
    let published = #expect(throws: Fault.self) { try places.find(.model, "detectron2-r50") }
    #expect(
      published?.description.hasSuffix("; `detect-batch fetch detectron2-r50` gets it") == true)
    #expect(places.fetched == workspace.file("home/models"))
    #expect(places.models().keys.sorted() == ["a", "b"])
    #expect(
      Places(home: nil, userData: userData, executable: nil).fetched == userData.appending("models")
    )
  }

  /// Only who names a model means a file of the working directory.
  @Test func theDefaultModelIsNoFileThatLiesAbout() throws {
    let workspace = try Workspace()
    try workspace.write("codes", "mine")
    let run = try Tool.run(
      [Tool.samples.appending("images/no-code.jpg"), "-o", "-"], in: workspace)
    #expect(run.status == 0, "\(run.messages)")
    let models = try Tool.run(["models"], in: workspace)
    #expect(models.text.contains("codes") && models.messages.isEmpty, "\(models.messages)")
    let named = try Tool.run(
      [Tool.samples.appending("images/no-code.jpg"), "-o", "-", "--model", "codes"], in: workspace)
    #expect(named.status == 65, "\(named.messages)")
  }

  @Test func aPathIsNoName() throws {
    let workspace = try Workspace()
    try workspace.write("home/models/x/a.safetensors", "")
    let places = Places(home: workspace.file("home"), executable: nil)
    #expect(throws: Fault.self) { try places.find(.model, "x/a") }
  }
}
