//! Public types cross threads.

use seoro_lab::LabError;
use seoro_lab::ann::trade::{Pace, Point, TradeCell, TradeJob, TradeRow};
use seoro_lab::ann::{Choice, Collection, ItemLike, Probe, Recipe, Space, Truth};
use seoro_lab::bench::{Alone, BenchRow, Case, Scene};
use seoro_lab::cell::{BestOnTest, Cell, Job, Store};
use seoro_lab::command::datasets::DatasetsError;
use seoro_lab::command::search::Try;
use seoro_lab::data::{Data, Folders};
use seoro_lab::fetch::{FetchError, Fetched};
use seoro_lab::paper::{AnnPaper, Paper, Papers};
use seoro_lab::table::{ResultRow, RowCells};
use seoro_lab::task::Task;

fn crosses<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    crosses::<(Paper, Data, Folders, Task)>();
    crosses::<(Cell, BestOnTest, Store, Job<'_>)>();
    crosses::<(ResultRow, RowCells<'_>, Try)>();
    crosses::<(Alone, BenchRow, Case, Scene)>();
    crosses::<(Choice, Collection, ItemLike, Probe, Recipe, Space, Truth)>();
    crosses::<(AnnPaper, Papers, Pace, Point, TradeCell, TradeJob<'_>, TradeRow)>();
    crosses::<(DatasetsError, FetchError, Fetched, LabError)>();
}
