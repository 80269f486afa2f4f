//! The files beside a paper's tables: courses of fits, and maps.

use crate::cell::{Cell, MapPoint, draw_map, map_name};
use crate::course::{self, CourseRow};
use crate::paper::{Paper, Row};
use crate::{LabError, rows, workplace};
use std::path::Path;

/// What the cells of some rows give to pictures.
#[derive(Default)]
pub(super) struct Pictured {
    courses: Vec<CourseRow>,
    maps: Vec<Map>,
}

struct Map {
    dataset: String,
    row: String,
    label: String,
    points: Vec<MapPoint>,
}

impl Pictured {
    /// What the cell of a row's first seed has.
    pub(super) fn add(&mut self, dataset: &str, row: &Row, cell: &Cell) {
        let of_row = |record: &course::EpochRecord| CourseRow {
            dataset: dataset.to_owned(),
            row: row.name.clone(),
            record: record.clone(),
        };
        self.courses.extend(cell.course.iter().map(of_row));
        if !cell.map.is_empty() {
            let (dataset, label) = (dataset.to_owned(), row.label.clone());
            self.maps.push(Map { dataset, row: row.name.clone(), label, points: cell.map.clone() });
        }
    }

    /// Writes them into a folder of results, courses beside `old` ones of other rows.
    pub(super) fn write(&self, folder: &Path, paper: &Paper, old: Vec<CourseRow>) -> Result<(), LabError> {
        for map in &self.maps {
            let title = format!("{}: some users and their test items", map.label);
            let path = folder.join(map_name(&paper.name, &map.dataset, &map.row));
            workplace::write_whole(&path, draw_map(&title, &map.points)?.as_bytes())?;
        }
        let all = course::merge(paper, old, self.courses.clone());
        if all.is_empty() {
            return Ok(());
        }
        rows::write(&course::file(folder, &paper.name), &all)?;
        for dataset in paper.datasets.keys() {
            if let Some(picture) = course::draw(paper, dataset, &all) {
                let path = folder.join(course::picture_name(&paper.name, dataset));
                workplace::write_whole(&path, picture.as_bytes())?;
            }
        }
        Ok(())
    }
}
