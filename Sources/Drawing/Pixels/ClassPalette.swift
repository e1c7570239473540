/// The colours of classes.
///
/// Those of Okabe and Ito (Color Universal Design, 2008), which people with any kind of colour vision tell apart, but
/// black. A class has its colour from its name alone: the same in every picture, run and program, whatever other classes
/// there are. So two classes may share one, and names stand beside boxes.
public enum ClassPalette {
  /// Orange, sky blue, bluish green, yellow, blue, vermilion, reddish purple.
  public static let colours = [
    0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442, 0x0072b2, 0xd55e00, 0xcc79a7,
  ].map(Colour.init)

  /// The colour of a class.
  public static func colour(of label: String) -> Colour {
    // FNV-1a (Fowler, Noll, Vo), modulo 2^32 by definition.
    let hash = label.utf8.reduce(UInt32(0x811c_9dc5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    // Its low bits alone follow the last letter.
    return colours[Int((hash ^ (hash >> 16)) % UInt32(colours.count))]
  }
}
