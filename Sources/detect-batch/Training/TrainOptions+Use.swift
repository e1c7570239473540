import DetectionPipeline
import Training

extension TrainOptions {
  /// Refuses what was typed and nothing would come of. What a pipeline file says may be for another loss or other data.
  ///
  /// - Parameters:
  ///   - all: the options with what was typed, and what a pipeline file or an earlier training says.
  ///   - place: what is trained on.
  /// - Throws: `Fault` (usage).
  func requireUse(in all: TrainOptions, of place: String) throws(Fault) {
    let isCOCO = TrainingData.isFile(place)
    let kind = all.loss.loss ?? .focal
    let options: [(name: String, isTyped: Bool, isUsed: Bool, counterpart: String)] = [
      ("--split", data.split != nil, !isCOCO, "Pascal VOC's form or a data.yaml"),
      ("--images", data.images != nil, isCOCO, "COCO's form"),
      (
        "--validation-images", data.validationImages != nil,
        isCOCO && all.data.validation != nil, "COCO's form and --validation"
      ),
      (
        "--gamma", loss.gamma != nil, kind == .focal || kind == .focalStar,
        "--loss focal or focal-star"
      ),
      ("--beta", loss.beta != nil, kind == .focalStar, "--loss focal-star"),
      ("--ohem-batch", loss.ohemBatch != nil, kind == .ohem, "--loss ohem"),
      ("--ohem-nms", loss.ohemNms != nil, kind == .ohem, "--loss ohem"),
      ("--ohem-one-to-three", loss.ohemOneToThree, kind == .ohem, "--loss ohem"),
      ("--box-beta", loss.boxBeta != nil, all.loss.boxLoss == .smoothL1, "--box-loss smooth-l1"),
      (
        "--momentum", steps.momentum != nil, (all.steps.optimizer ?? .sgd) == .sgd,
        "--optimizer sgd"
      ),
      (
        "--rate-steps", steps.rateSteps != nil, (all.steps.schedule ?? .steps) == .steps,
        "--schedule steps"
      ),
      ("--smallest-crop", pictures.smallestCrop != nil, (all.pictures.crop ?? 0) > 0, "--crop"),
    ]
    for option in options where option.isTyped && !option.isUsed {
      throw Fault(.usage, "\(option.name) goes with \(option.counterpart)")
    }
  }
}
