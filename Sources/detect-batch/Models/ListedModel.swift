import JSONText
import RetinaNetModel
import SystemPackage

/// A line of `models`.
struct ListedModel {
  private let name: String
  private let path: FilePath?
  private let classes: String
  private let classCount: Int
  private let averagePrecision: Double?
  private let byteCount: Int
  private let licence: String?
  private let publisher: String?
  private let page: String?
  private let network: String
  private let addresses: [String]

  /// A published one.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - path: where it is; nil where it is not here.
  init(_ model: PublishedModel, path: FilePath?) {
    name = model.name
    self.path = path
    classes = model.classes
    // torchvision's heads have columns for numbers that COCO never used.
    classCount = model.columnCount == 91 ? 80 : model.columnCount
    averagePrecision = model.averagePrecision
    byteCount = model.files[0].byteCount ?? model.approximateByteCount
    licence = model.licence
    publisher = model.publisher
    page = model.page
    network = model.architecture.words
    addresses = model.files.map(\.address)
  }

  /// One that is here.
  init(name: String, path: FilePath, model: DetectionModel) {
    self.name = name
    self.path = path
    let labels = model.description.classes.compactMap { $0 }
    classes = labels.count <= 3 ? labels.joined(separator: ", ") : "\(labels.count)"
    classCount = labels.count
    averagePrecision = nil
    byteCount = (try? PublishedFileCheck.size(path)) ?? 0
    (licence, publisher, page) = (nil, nil, nil)
    network = model.description.architecture.words
    addresses = []
  }

  /// For machines.
  var json: JSONValue {
    .object([
      ("name", .string(name)),
      ("path", path.map { .string($0.string) } ?? .null),
      ("network", .string(network)),
      ("classes", .string(classes)),
      ("classCount", .int(classCount)),
      ("averagePrecision", averagePrecision.map(JSONValue.double) ?? .null),
      ("bytes", .int(byteCount)),
      ("licence", licence.map(JSONValue.string) ?? .null),
      ("publisher", publisher.map(JSONValue.string) ?? .null),
      ("page", page.map(JSONValue.string) ?? .null),
      ("addresses", .array(addresses.map(JSONValue.string))),
    ])
  }

  /// For people.
  static func table(_ models: [ListedModel]) -> String {
    let header = ["NAME", "HERE", "FINDS", "AP", "MB", "NETWORK", "LICENCE", "PUBLISHER"]
    let rows = [header] + models.map(\.cells)
    let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ").trimmingSpaces
    }.joined(separator: "\n")
  }

  private var cells: [String] {
    [
      name, path == nil ? "" : "yes", classes, averagePrecision.map { RunText.decimal($0) } ?? "",
      "\((byteCount + 500_000) / 1_000_000)", network, licence ?? "", publisher ?? "",
    ]
  }
}

extension ModelDescription.Architecture {
  /// The backbone in a word.
  fileprivate var words: String {
    let depth = backbone.rawValue.dropFirst("resnet".count)
    let grouping = groups == 1 ? "" : " \(groups)x\(groupWidth ?? baseWidth)d"
    return (groups == 1 ? "ResNet-" : "ResNeXt-") + depth + grouping
      + (headNorm == .groupNorm ? ", GroupNorm" : "")
  }
}

extension String {
  /// Without spaces at the end.
  fileprivate var trimmingSpaces: String {
    String(reversed().drop { $0 == " " }.reversed())
  }
}
