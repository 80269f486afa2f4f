//! Vectors from a file to an index that is saved, mapped and asked with a filter.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use seoro_ann::{Ask, Bitmap, Build, Hnsw, HnswIndex, Index, Metric, Points};
use seoro_core::{Matrix, Seed, vectors};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str =
    "usage: index_a_file [VECTORS.fvecs|.bvecs|.ivecs|.npy]   (without a file, it makes a small one)";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (file, more) = (arguments.next(), arguments.next());
    let is_option = file.as_ref().is_some_and(|file| file.to_string_lossy().starts_with('-'));
    if is_option || more.is_some() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match run(file.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(file: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let own = std::env::temp_dir().join(format!("seoro-index-a-file-{}", std::process::id()));
    std::fs::create_dir_all(&own)?;
    let done = index(file, &own);
    std::fs::remove_dir_all(&own)?;
    done
}

fn index(file: Option<&Path>, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = match file {
        Some(file) => file.to_owned(),
        None => make(&folder.join("vectors.fvecs"))?,
    };
    let items = vectors::read(&file)?;
    println!("{} vectors of {} dimensions", items.rows(), items.cols());
    if items.rows() == 0 {
        return Err("nothing to index; expected a vector or more".into());
    }

    let saved = folder.join("items.index");
    Hnsw::default().build(&Points::new(&items, Metric::Cosine), &Build::new(Seed::new(1)))?.save(&saved)?;
    let index = HnswIndex::map(&saved)?;
    println!("saved and mapped: {} bytes", std::fs::metadata(&saved)?.len());

    let even = Bitmap::from_iter((0..items.rows() as u64).step_by(2));
    let (mut scratch, mut nearest) = (index.scratch(), Vec::new());
    let work = index.search(items.row(0), &Ask::new(5).filter(&even), &mut scratch, &mut nearest)?;
    println!("the nearest of the even rows to row 0, by {} distances:", work.distances);
    nearest.iter().for_each(|near| println!("  row {:>6}  cosine {:.3}", near.id, near.score));
    Ok(())
}

/// A small file of vectors.
fn make(path: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut rng = Seed::new(1).child("vectors").rng();
    let numbers = (0..2_000 * 16).map(|_| rng.normal() as f32).collect();
    vectors::write(path, &Matrix::from_vec(2_000, 16, numbers)?)?;
    Ok(path.to_owned())
}
