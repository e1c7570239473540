import ArgumentParser
import FrameDecoding

/// Where commands decode pictures and videos.
struct IsolationOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decode in processes of their own, which can open nothing, so that a broken or hostile file costs its own "
        + "records: required (or do nothing), on (as far as the kernel can), off. (default: on)",
      valueName: "mode"),
    completion: .list(MediaDecoders.Isolation.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var isolation: MediaDecoders.Isolation?
}
