use seoro_core::Matrix;
use seoro_eval::figure::{FigureError, Point, Scatter, page};

fn plot(points: usize, groups: usize) -> Scatter {
    let point = |n: usize| Point {
        x: (n * 37 % 101) as f32 / 7.0,
        y: -((n * 53 % 89) as f32) * 1e6,
        label: format!("item {n} <&\"'\u{7}> 영화"),
        group: format!("group {} & co", n % groups),
    };
    let mut plot = Scatter::new("A & B <c>", (0..points).map(point).collect());
    plot.named = vec![0, points - 1];
    plot
}

/// The titles of a plot's marks; fails where it is not well-formed.
fn titles(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let titles =
        document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title")));
    titles.map(|title| title.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_point_is_in_the_picture_with_its_label() {
    for (points, groups) in [(1, 1), (40, 3), (500, 40)] {
        let plot = plot(points, groups);
        let svg = plot.svg().unwrap();
        let mut found = titles(&svg);
        found.sort();
        let mut expected: Vec<String> =
            plot.points.iter().map(|point| point.label.replace('\u{7}', "\u{fffd}")).collect();
        expected.sort();
        assert_eq!(found, expected);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts = document.descendants().filter(|node| node.tag_name().name() == "text").count();
        assert_eq!(texts, 1 + plot.named.len() + groups);
        assert!(svg.contains("prefers-color-scheme:dark"));
    }
}

#[test]
fn marks_stand_within_the_picture_with_short_numbers() {
    let svg = plot(300, 4).svg().unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let size: Vec<f64> = document
        .root_element()
        .attribute("viewBox")
        .unwrap()
        .split(' ')
        .map(|n| n.parse().unwrap())
        .collect();
    let (mut marks, mut left, mut right) = (0, f64::INFINITY, 0.0f64);
    for mark in document.descendants().filter(|node| node.tag_name().name() == "circle") {
        let number = |name| mark.attribute(name).unwrap();
        let [x, y, r] = ["cx", "cy", "r"].map(|name| number(name).parse::<f64>().unwrap());
        assert!(x > r && x < size[2] - r && y > r && y < size[3] - r, "{mark:?}");
        for name in ["cx", "cy", "r"] {
            assert!(number(name).split('.').nth(1).is_none_or(|decimals| decimals.len() <= 2), "{mark:?}");
        }
        (marks, left, right) = (marks + 1, left.min(x), right.max(x));
    }
    assert_eq!(marks, 300 + 4);
    // The map's unit is the same across and upwards: here the points are far higher than wide.
    assert!(right - left > 0.0);
}

#[test]
fn legends_count() {
    let mut plot = plot(10, 3);
    plot.points[1].group = "group 0 & co".to_owned();
    let svg = plot.svg().unwrap();
    let legend: Vec<&str> = svg.split("group ").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(legend, ["0 &amp; co (5)", "2 &amp; co (3)", "1 &amp; co (2)"]);
}

#[test]
fn groups_look_the_same_in_all_plots_of_a_page() {
    let point = |label: &str, group: &str| Point { x: 0.0, y: 0.0, label: label.into(), group: group.into() };
    let first = Scatter::new(
        "first",
        vec![point("a", "red"), point("b", "red"), point("d", "red"), point("c", "blue")],
    );
    let second = Scatter::new("second", vec![point("c", "blue")]);
    let html = page("<Two>", &[first, second.clone()]).unwrap();
    let before = |text: &str, label: &str| {
        let end = text.find(&format!("<title>{label}</title>")).unwrap();
        let start = text[..end].rfind("<g fill=").unwrap();
        text[start..start + 16].to_owned()
    };
    let (one, two) = html.split_once("</figure>").unwrap();
    assert_eq!(before(one, "c"), before(two, "c"));
    assert_ne!(before(one, "a"), before(one, "c"));
    assert_ne!(before(&second.svg().unwrap(), "c"), before(two, "c"));
}

#[test]
fn a_page_needs_nothing_else() {
    let plots = [plot(60, 3), plot(80, 3)];
    let html = page("Maps <of> \"films\"", &plots).unwrap();
    assert!(html.contains("<h1>Maps &lt;of&gt; &quot;films&quot;</h1>"));
    for part in ["viewport", "type=\"search\"", "id=\"tip\"", "prefers-color-scheme"] {
        assert!(html.contains(part), "{part}");
    }
    for address in ["src=", "href=", "@import", "url("] {
        assert!(!html.contains(address), "{address}");
    }
    let addresses = html.matches("http").count();
    assert_eq!(addresses, html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    let figures = html.split("<figure>").skip(1).map(|rest| rest.split("</figure>").next().unwrap());
    let counts: Vec<usize> = figures.map(|figure| titles(&format!("<p>{figure}</p>")).len()).collect();
    assert_eq!(counts, [60, 80]);
    assert!(html.contains("group 0 &amp; co (20)</li>") && html.contains("group 0 &amp; co (27)</li>"));
    // But for the script, the page is well-formed too.
    let (head, rest) = html.split_once("<script>").unwrap();
    let page = head.replacen("<!DOCTYPE html>", "", 1) + rest.split_once("</script>").unwrap().1;
    roxmltree::Document::parse(page.trim()).unwrap();
    assert_eq!(rest.matches("</script>").count(), 1);
}

#[test]
fn the_same_points_make_the_same_bytes() {
    let plots = [plot(200, 30), plot(90, 2)];
    assert_eq!(plots[0].svg(), plots[0].clone().svg());
    assert_eq!(page("a", &plots), page("a", &plots.clone()));
}

#[test]
fn points_in_one_place_are_drawn_in_the_middle() {
    let point = Point { x: 5.0, y: f32::MAX, label: String::new(), group: String::new() };
    let svg = Scatter::new("", vec![point.clone(), point]).svg().unwrap();
    assert_eq!(titles(&svg), ["", ""]);
    assert_eq!(svg.matches("cx=\"400\"").count(), 2);
}

#[test]
fn nonsense_is_refused() {
    assert_eq!(Scatter::new("a", Vec::new()).svg(), Err(FigureError::Empty { what: "points" }));
    assert_eq!(page("a", &[]), Err(FigureError::Empty { what: "plots" }));
    assert_eq!(page("a", &[plot(3, 1), Scatter::default()]), Err(FigureError::Empty { what: "points" }));
    let mut strange = plot(3, 1);
    strange.points[1].y = f32::NAN;
    assert!(matches!(strange.svg(), Err(FigureError::NotFinite { point: 1, .. })));
    let mut absent = plot(3, 1);
    absent.named.push(3);
    assert_eq!(absent.svg(), Err(FigureError::Named { point: 3, points: 3 }));
    let of =
        |rows, cols, labels: &[&str]| Scatter::of_map("a", &Matrix::zeros(rows, cols), labels, &["g", "g"]);
    let length = |what, len, expected| Err(FigureError::Length { what, len, expected });
    assert_eq!(of(2, 3, &["a", "b"]), length("numbers of a position", 3, 2));
    assert_eq!(of(2, 2, &["a"]), length("labels", 1, 2));
    assert_eq!(of(3, 2, &["a", "b", "c"]), length("groups", 2, 3));
    assert_eq!(of(2, 2, &["a", "b"]).unwrap().points.len(), 2);
}
