use seoro_core::*;

fn send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    #[cfg(feature = "world")]
    send_and_sync::<(world::World, world::Oracle, world::Parameters)>();
    #[cfg(feature = "manifest")]
    send_and_sync::<(dataset::Manifest, dataset::Dataset, dataset::DatasetError, dataset::Digester)>();
    send_and_sync::<(vectors::Vecs<f32>, vectors::VectorsError)>();
    send_and_sync::<Log>();
    send_and_sync::<Histories>();
    send_and_sync::<Vocab>();
    send_and_sync::<Features>();
    send_and_sync::<Signals>();
    send_and_sync::<Matrix>();
    send_and_sync::<Csr>();
    send_and_sync::<Seed>();
    send_and_sync::<Rng>();
    send_and_sync::<TopK>();
    send_and_sync::<Split>();
    send_and_sync::<Splitter>();
    send_and_sync::<sample::Alias>();
    send_and_sync::<sample::Negatives<'_>>();
    send_and_sync::<gemm::View<'_>>();
    send_and_sync::<gemm::ViewMut<'_>>();
    send_and_sync::<Box<dyn Score>>();
    send_and_sync::<Box<dyn Hide>>();
}

#[cfg(feature = "csv")]
#[test]
fn readers_cross_threads() {
    send_and_sync::<format::Format>();
    send_and_sync::<format::LogReader>();
    send_and_sync::<format::Columns>();
    send_and_sync::<format::ReadError>();
    send_and_sync::<format::Table>();
}
