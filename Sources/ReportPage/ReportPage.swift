/// The page of a report: HTML, style and scripts, as they lie in `Page/`.
///
/// They are compiled into the program, which so needs nothing beside it. They have a target of their own because their
/// bytes take the compiler a quarter of a minute, which nobody should wait for who has changed something else.
public enum ReportPage {
  /// The document, in which `{{policy}}`, `{{title}}`, `{{style}}`, `{{data}}` and `{{script}}` are to be replaced.
  public static var document: String { text(PackageResources.index_html) }

  /// The style sheet.
  public static var style: String { text(PackageResources.report_css) }

  /// The scripts by name, in the order in which they have to run. They share their names: none is a module, for pages of
  /// a file system may not load modules.
  public static var scripts: [(name: String, text: String)] {
    [
      ("core", text(PackageResources.core_js)), ("charts", text(PackageResources.charts_js)),
      ("views", text(PackageResources.views_js)), ("player", text(PackageResources.player_js)),
      ("main", text(PackageResources.main_js)),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
