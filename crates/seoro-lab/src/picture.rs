//! Pictures with axes, as SVG.

/// Colours that people who confuse red and green tell apart (M. Okabe, K. Ito), and two more.
pub(crate) const COLOURS: [&str; 9] =
    ["#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#999999", "#785a28"];

/// A picture in the making.
pub(crate) struct Svg(String);

impl Svg {
    /// An empty one of so many units across and down.
    pub(crate) fn new((width, height): (f64, f64)) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"#222222\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        ))
    }

    /// A line through places.
    pub(crate) fn line(&mut self, places: &[(f64, f64)], colour: &str, width: f64) {
        let places: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.0.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\n",
            places.join(" ")
        ));
    }

    /// A mark.
    pub(crate) fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.0.push_str(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\n"));
    }

    /// A panel that things below it shine through a little.
    pub(crate) fn panel(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.0.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#ffffff\" \
             fill-opacity=\"0.85\" stroke=\"#bbbbbb\"/>\n"
        ));
    }

    /// Text at a place, which is its `start`, `middle` or `end`.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), anchor: &str, size: u32, text: &str) {
        let text = escaped(text);
        self.0.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>\n"
        ));
    }

    /// Text that is read from bottom to top, centred.
    pub(crate) fn upwards(&mut self, (x, y): (f64, f64), size: u32, text: &str) {
        let text = escaped(text);
        self.0.push_str(&format!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" \
             font-size=\"{size}\">{text}</text>\n"
        ));
    }

    /// The picture as a file.
    pub(crate) fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
