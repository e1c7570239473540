import ArgumentParser
import DetectionPipeline
import DetectionRecords
import Files
import SystemPackage

/// Whole outputs from the outputs of segments.
struct MergeCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Puts the segments that --segment runs wrote together.",
    discussion: """
      Of every input in an output directory whose segments are all there, writes the file that one run over the \
      whole would have written, and takes the segments' files away.

        for i in 1 2 3; do detect-batch film.mp4 --segment $i/3; done
        detect-batch merge detections
      """)

  @Argument(
    help: ArgumentHelp("The output directory.", valueName: "directory"), completion: .directory)
  var output: String

  @Flag(help: "Leave the segments' files where they are.")
  var keepSegments = false

  @OptionGroup(title: "Messages") var report: ReportOptions

  func execute() throws -> ExitStatus {
    Log.configure(report)
    let logger = Log.logger
    let path = ArgumentBytes.path(output)
    guard OutputDirectory.isOutputDirectory(path) else {
      throw Fault(.noInput, "\(path.oneLine): is not the output directory of a run")
    }
    let merge = try SegmentMerge(OutputDirectory(path))
    var (merged, whole, incomplete) = (0, 0, 0)
    for source in merge.sources {
      let outcome: SegmentMerge.Outcome
      do throws(FileError) {
        outcome = try merge.merge(source, keepingSegments: keepSegments)
      } catch {
        // The others are put together all the same.
        guard error.concernsOnePath else { throw error }
        incomplete += 1
        logger.error("\(source.oneLine): \(error)")
        continue
      }
      switch outcome {
      case .merged(let segments, let frames, let left):
        merged += 1
        logger.debug(
          "\(source.oneLine): \(RunText.counted(frames, "frame")) from \(segments) segments")
        warn(of: left)
      case .alreadyWhole(let left):
        whole += 1
        logger.debug("\(source.oneLine): whole already")
        warn(of: left)
      case .incomplete(let missing):
        incomplete += 1
        let parts = missing.map(\.description).joined(separator: ", ")
        logger.error(
          "\(source.oneLine): not finished: \(missing.count == 1 ? "segment" : "segments") \(parts)"
        )
      }
    }
    var counts = ["\(RunText.counted(merged, "input")) put together"]
    if whole > 0 { counts.append("\(whole) whole already") }
    if incomplete > 0 { counts.append("\(incomplete) not finished") }
    logger.info("\(counts.joined(separator: ", "))")
    return incomplete > 0 ? .someInputsFailed : .done
  }

  private func warn(of left: [FilePath]) {
    for path in left {
      Log.logger.warning(
        "\(path.oneLine) is of other settings than the whole, and holds a part of the same input once more: remove it"
      )
    }
  }
}
