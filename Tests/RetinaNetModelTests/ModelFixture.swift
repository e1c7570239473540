import BoxGeometry
import Checkpoints
import Foundation
import SystemPackage
import Testing

@testable import RetinaNetModel

/// One of the small networks that `scripts/make-model-fixtures.py` made.
enum ModelFixture: String, CaseIterable, Sendable {
  case v1ResNet18 = "v1-resnet18"
  case v2ResNet18 = "v2-resnet18"
  case v1ResNet50 = "v1-resnet50"
  case v1ResNeXt50 = "v1-resnext50"

  static func url(_ name: String) -> URL {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)")
  }

  static func checkpoint(_ name: String) throws -> Checkpoint {
    try Checkpoint(contentsOf: FilePath(url(name).path))
  }

  static func metadata(of path: FilePath) throws -> [String: String] {
    try Checkpoint(contentsOf: path).metadata
  }

  func makeModel() throws -> DetectionModel {
    try DetectionModel(
      contentsOf: FilePath(Self.url("\(rawValue).pth").path),
      configuration: ModelConfiguration(
        contentsOf: FilePath(Self.url("\(rawValue).json").path)))
  }

  var description: ModelDescription { get throws { try makeModel().description } }

  var cases: [PictureFixture] {
    get throws {
      let names = ["landscape", "portrait", "sliver"] + (self == .v1ResNet18 ? ["exact"] : [])
      return try names.map { try PictureFixture(model: self, name: $0) }
    }
  }
}

/// A picture and what torchvision made of it.
struct PictureFixture {
  let name: String
  let checkpoint: Checkpoint
  let height: Int
  let width: Int
  let pixels: [UInt8]
  let geometry: InputGeometry

  init(model: ModelFixture, name: String) throws {
    self.name = "\(model.rawValue) \(name)"
    checkpoint = try ModelFixture.checkpoint("\(model.rawValue)-\(name).safetensors")
    let picture = try #require(checkpoint.tensors["picture"])
    height = picture.shape[0]
    width = picture.shape[1]
    pixels = try picture.floats().map { UInt8($0) }
    let resized = try #require(checkpoint.metadata["resized"]).split(separator: "x").compactMap {
      Int($0)
    }
    geometry = InputGeometry(
      originalHeight: height, originalWidth: width, resizedHeight: resized[0],
      resizedWidth: resized[1])
  }

  func values(_ name: String) throws -> [Float] {
    try #require(checkpoint.tensors[name]).floats()
  }

  var detections: [Detection] {
    get throws {
      let boxes = try values("boxes")
      let scores = try values("scores")
      let labels = try values("labels")
      let anchors = try values("anchors")
      return scores.indices.map { index in
        Detection(
          classIndex: Int(labels[index]), score: scores[index],
          box: Box(
            minX: boxes[index * 4], minY: boxes[index * 4 + 1], maxX: boxes[index * 4 + 2],
            maxY: boxes[index * 4 + 3]), anchorIndex: Int(anchors[index]))
      }
    }
  }

  /// Rows and columns of P3...P7.
  var grids: [(height: Int, width: Int)] {
    var grids = [8, 16, 32].map { (geometry.paddedHeight / $0, geometry.paddedWidth / $0) }
    for _ in 0..<2 {
      let last = grids[grids.count - 1]
      grids.append(((last.0 + 1) / 2, (last.1 + 1) / 2))
    }
    return grids.map { (height: $0.0, width: $0.1) }
  }

  /// torchvision's head outputs by level, [channels, height, width] each, logits before regressions.
  func headOutputs() throws -> [PlainImage] {
    try ["cls_logits", "bbox_regression"].flatMap { name in
      let flat = try values(name)
      let cells = grids.reduce(0) { $0 + $1.height * $1.width }
      let channels = flat.count / cells
      var first = 0
      return grids.map { grid in
        let pixels = grid.height * grid.width
        defer { first += pixels * channels }
        var values = [Float](repeating: 0, count: channels * pixels)
        for pixel in 0..<pixels {
          for channel in 0..<channels {
            values[channel * pixels + pixel] = flat[first + pixel * channels + channel]
          }
        }
        return PlainImage(
          channels: channels, height: grid.height, width: grid.width, values: values)
      }
    }
  }
}
