/// Files of what a camera's sensor saw. They are not developed here, and the small previews in them are not what
/// anybody means by the picture.
enum CameraRaw {
  static let refusal = MediaError(
    .data, "a camera's raw file, which must be developed: give its JPEG, or convert it")

  /// Whether the first bytes are those of CR2, CR3, CRW, RAF, ORF, RW2, MRW or X3F; others look like TIFF files.
  static func isOne(_ start: [UInt8]) -> Bool {
    func has(_ text: String, at offset: Int) -> Bool {
      start.dropFirst(offset).starts(with: text.utf8)
    }
    return has("CR\u{2}\0", at: 8) || has("ftypcrx ", at: 4) || has("HEAPCCDR", at: 6)
      || has("FUJIFILMCCD-RAW", at: 0) || has("IIRO", at: 0) || has("IIRS", at: 0)
      || has("MMOR", at: 0) || has("IIU\0", at: 0) || has("\0MRM", at: 0) || has("FOVb", at: 0)
  }
}
