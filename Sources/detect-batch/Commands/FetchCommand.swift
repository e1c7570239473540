import ArgumentParser
import DetectionPipeline
import RetinaNetModel

/// Published models, from where they are published to where `--model` finds them.
struct FetchCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Downloads published models and imports them.",
    discussion: """
      `detect-batch models` lists them. A model is downloaded, compared with the size and the digest that its \
      publisher wrote down, imported, and put where `--model NAME` finds it: in DETECT_BATCH_HOME/models, else in \
      detect-batch/models of the user's data folder (XDG_DATA_HOME, else ~/.local/share). One that is there is left \
      alone. What was interrupted goes on where it was. The environment's proxies are heeded (https_proxy, http_proxy, \
      all_proxy, no_proxy).

      Each model has its publisher's licence.
      """)

  @Argument(
    help: ArgumentHelp("Names of models.", valueName: "name"),
    completion: .list(PublishedModel.all.map(\.name)))
  var names: [String]

  @Option(
    help: ArgumentHelp(
      "A directory or an address that has the files under their published names (DeepForest's in a directory of "
        + "their model's name). (default: their publishers)", valueName: "place"),
    completion: .directory)
  var from: String?

  func execute() throws -> ExitStatus {
    let models = try names.map { name throws(Fault) in
      guard let model = PublishedModel.named(name) else { throw Self.unknown(name) }
      return model
    }
    let source = try ModelSource(from)
    guard let folder = Places().fetched else {
      throw Fault(
        .cannotCreateOutput,
        "there is no place for models: set DETECT_BATCH_HOME, XDG_DATA_HOME or HOME")
    }
    SignalHandling.onFirst { true }
    for model in models {
      let fetch = ModelFetch(model: model, source: source, folder: folder) {
        SignalHandling.received == nil
      }
      guard !Places.isFile(fetch.target) else {
        Log.logger.info("\(fetch.target): is there")
        continue
      }
      do {
        try fetch.run()
      } catch {
        guard let status = SignalHandling.received else { throw error }
        Log.logger.notice("\(error)")
        return status
      }
      Log.logger.info(
        "\(fetch.target): \(model.name) of \(model.publisher), licence \(model.licence)")
    }
    return .done
  }

  private static func unknown(_ name: String) -> Fault {
    Fault(
      .usage,
      "there is no model '\(name)' to be fetched; there are "
        + PublishedModel.all.map(\.name).joined(separator: ", "))
  }
}
