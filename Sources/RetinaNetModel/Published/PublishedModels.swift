extension PublishedModel {
  /// All that `fetch` knows. Sizes are in bytes where their publishers say them; file names of torchvision and
  /// MMDetection end in the first digits of their SHA-256, those of Detectron2 in the first of their MD5.
  public static let all: [PublishedModel] = [
    torchvision(
      "torchvision-r50", .torchvision, file: "retinanet_resnet50_fpn_coco-eeacb38b.pth",
      digits: "eeacb38b", byteCount: 136_595_076, averagePrecision: 36.4),
    torchvision(
      "torchvision-r50-v2", .torchvisionV2, file: "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth",
      digits: "5905b1c5", byteCount: 153_130_989, averagePrecision: 41.5),
    detectron2(
      "detectron2-r50-1x", .resnet50, "retinanet_R_50_FPN_1x/190397773", digits: "bfca0b",
      averagePrecision: 37.4),
    detectron2(
      "detectron2-r50", .resnet50, "retinanet_R_50_FPN_3x/190397829", digits: "5bd44e",
      averagePrecision: 38.7),
    detectron2(
      "detectron2-r101", .resnet101, "retinanet_R_101_FPN_3x/190397697", digits: "971ab9",
      averagePrecision: 40.4),
    mmdetection(
      "mmdetection-r18", .init(backbone: .resnet18), "retinanet_r18_fpn_1x_coco",
      "20220407_171055", digits: "614fd399", averagePrecision: 31.7),
    mmdetection(
      "mmdetection-r50", .init(backbone: .resnet50), "retinanet_r50_fpn_mstrain_3x_coco",
      "20210718_220633", digits: "88476508", averagePrecision: 39.5),
    mmdetection(
      "mmdetection-r101", .init(backbone: .resnet101), "retinanet_r101_fpn_mstrain_3x_coco",
      "20210720_214650", digits: "7ee888e0", averagePrecision: 41.0),
    mmdetection(
      "mmdetection-x101-32x4d", .init(backbone: .resnet101, groups: 32, groupWidth: 4),
      "retinanet_x101_32x4d_fpn_2x_coco", "20200131", digits: "237fc5e1", averagePrecision: 40.1),
    mmdetection(
      "mmdetection-x101-64x4d", .init(backbone: .resnet101, groups: 64, groupWidth: 4),
      "retinanet_x101_64x4d_fpn_mstrain_3x_coco", "20210719_051838", digits: "022c2187",
      averagePrecision: 41.6),
    deepForest("tree", classes: "trees in aerial pictures"),
    deepForest("bird", classes: "birds in aerial pictures"),
    deepForest("livestock", classes: "livestock in aerial pictures"),
  ]

  /// The model of a name; nil where there is none.
  public static func named(_ name: String) -> PublishedModel? { all.first { $0.name == name } }

  private static let cocoClasses = "80 of COCO"

  private static func torchvision(
    _ name: String, _ preset: Conventions.Preset, file: String, digits: String, byteCount: Int,
    averagePrecision: Double
  ) -> PublishedModel {
    PublishedModel(
      name: name, publisher: "torchvision", preset: preset,
      architecture: .init(
        backbone: .resnet50, headNorm: preset == .torchvisionV2 ? .groupNorm : .none),
      columnCount: 91, classes: cocoClasses, averagePrecision: averagePrecision,
      licence: "BSD-3-Clause", page: "https://pytorch.org/vision/stable/models/retinanet.html",
      files: [
        File(
          address: "https://download.pytorch.org/models/\(file)", name: file,
          byteCount: byteCount, digest: .sha256(digits))
      ])
  }

  private static func detectron2(
    _ name: String, _ backbone: ModelDescription.Architecture.Backbone, _ folder: String,
    digits: String, averagePrecision: Double
  ) -> PublishedModel {
    let file = "model_final_\(digits).pkl"
    return PublishedModel(
      name: name, publisher: "Detectron2", preset: .detectron2,
      architecture: .init(backbone: backbone), columnCount: 80, classes: cocoClasses,
      averagePrecision: averagePrecision, licence: "CC-BY-SA-3.0",
      page: "https://github.com/facebookresearch/detectron2/blob/main/MODEL_ZOO.md",
      files: [
        File(
          address: "https://dl.fbaipublicfiles.com/detectron2/COCO-Detection/\(folder)/\(file)",
          name: file, byteCount: nil, digest: .md5(digits))
      ])
  }

  private static func mmdetection(
    _ name: String, _ architecture: ModelDescription.Architecture, _ configuration: String,
    _ date: String, digits: String, averagePrecision: Double
  ) -> PublishedModel {
    let file = "\(configuration)_\(date)-\(digits).pth"
    let folder = "https://download.openmmlab.com/mmdetection/v2.0/retinanet/\(configuration)"
    return PublishedModel(
      name: name, publisher: "MMDetection", preset: .mmdetection, architecture: architecture,
      columnCount: 80, classes: cocoClasses, averagePrecision: averagePrecision,
      licence: "Apache-2.0",
      page: "https://github.com/open-mmlab/mmdetection/tree/main/configs/retinanet",
      files: [
        File(
          address: "\(folder)/\(file)", name: file, byteCount: nil, digest: .sha256(digits))
      ])
  }

  /// The hub's server says size and SHA-256 of the weights when it is asked for them.
  private static func deepForest(_ kind: String, classes: String) -> PublishedModel {
    let name = "deepforest-\(kind)"
    let page = "https://huggingface.co/weecology/\(name)"
    return PublishedModel(
      name: name, publisher: "DeepForest", preset: .deepforest,
      architecture: .init(backbone: .resnet50), columnCount: 1, classes: classes,
      averagePrecision: nil, licence: "MIT", page: page,
      files: ["model.safetensors", "config.json"].map { file in
        File(
          address: "\(page)/resolve/main/\(file)", name: "\(name)/\(file)", byteCount: nil,
          digest: nil)
      })
  }
}
