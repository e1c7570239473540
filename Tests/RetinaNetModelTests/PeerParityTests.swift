import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

/// Parity with MMDetection, Detectron2, DeepForest and MLPerf on small networks of their own code. The same on
/// full-sized ones is `scripts/check-peers-parity`'s.
@Suite struct PeerParityTests {
  @Test(arguments: PeerFixture.allCases)
  func everyStageAgrees(_ fixture: PeerFixture) throws {
    let model = try fixture.makeModel()
    #expect(try fixture.stagesThatDiffer(model, under: model.description.conventions) == [])
  }

  /// Every rule that is another than the program's is seen in at least one stage. What the weights themselves refuse
  /// cannot be tried.
  @Test(arguments: PeerFixture.allCases)
  func everyWrongRuleIsSeen(_ fixture: PeerFixture) throws {
    let model = try fixture.makeModel()
    let right = model.description.conventions
    var unseen: [String] = []
    var tried = 0
    for rule in ChangedRule.all {
      var wrong = right
      rule.apply(&wrong)
      // P6's source is in the weights, except where C5 has as many channels as the pyramid.
      let fits = wrong.network.p6Source == right.network.p6Source || fixture == .mmdetection
      // Basic blocks have no 1x1.
      if fixture == .mmdetection { wrong.network.strideIn1x1 = right.network.strideIn1x1 }
      guard wrong != right, fits else { continue }
      tried += 1
      if try fixture.stagesThatDiffer(model, under: wrong).isEmpty {
        unseen.append(rule.testDescription)
      }
    }
    #expect(tried >= 20)
    #expect(unseen == [])
  }
}
