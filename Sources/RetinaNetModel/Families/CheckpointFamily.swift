/// Whose names a checkpoint's tensors have, and with them whose rules the network was trained by.
enum CheckpointFamily: String, CaseIterable, Sendable {
  /// torchvision's, of both generations; also DeepForest's and MLPerf's, which are made of torchvision's parts.
  case torchvision
  case detectron2 = "Detectron2"
  case mmdetection = "MMDetection"
  /// Detectron, written for Caffe2: what is read of it are residual networks and pyramids.
  case caffe2 = "Detectron for Caffe2"

  /// The families that these names are of, seen from tensors that only their files have.
  ///
  /// - Parameter names: of tensors, without the names of wrappers.
  /// - Returns: one; none, or several, where the file is nobody's.
  static func families(of names: some Sequence<String>) -> [CheckpointFamily] {
    allCases.filter { family in
      names.contains { name in family.marks.contains(where: name.hasPrefix) }
    }
  }

  private var marks: [String] {
    switch self {
    case .torchvision: ["backbone.body."]
    case .detectron2: ["backbone.bottom_up.", "head.cls_subnet."]
    case .mmdetection: ["bbox_head.", "neck."]
    case .caffe2: ["res2_0_branch2a_", "retnet_"]
    }
  }

  /// The network's name of a tensor: torchvision's of today.
  ///
  /// - Parameter name: the family's.
  /// - Returns: nil for what the network does not need; the name as it is where it is not known.
  func networkName(_ name: String) -> String? {
    switch self {
    case .torchvision: TorchvisionNames.modern(name)
    case .detectron2: Detectron2Names.networkName(name)
    case .mmdetection: MMDetectionNames.networkName(name)
    case .caffe2: Caffe2Names.networkName(name)
    }
  }
}
