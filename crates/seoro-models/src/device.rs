//! Devices, and the only place that opens one.
//!
//! | name | what it is |
//! |---|---|
//! | `cpu` | the processor: burn's flex, and the kernels of [`ops`](crate::ops) |
//! | `gpu` | a graphics processor, through wgpu; the feature `gpu` |
//! | `software-gpu` | a graphics processor in software, to test what `gpu` computes where there is none; the feature `gpu` |
//! | `ndarray` | the processor through ndarray, without a kernel of ours; the feature `ndarray` |

use serde::{Deserialize, Serialize};

/// Where a network's numbers are crunched.
///
/// ```
/// use seoro_models::DeviceName;
/// assert_eq!("software-gpu".parse::<DeviceName>()?, DeviceName::SoftwareGpu);
/// assert!("tpu".parse::<DeviceName>().is_err());
/// # Ok::<(), seoro_models::device::DeviceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics processor.
    Gpu,
    /// A graphics processor in software.
    SoftwareGpu,
    /// The processor, through ndarray.
    Ndarray,
}

impl DeviceName {
    /// All of them.
    pub const ALL: [DeviceName; 4] =
        [DeviceName::Cpu, DeviceName::Gpu, DeviceName::SoftwareGpu, DeviceName::Ndarray];

    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceName::Cpu => "cpu",
            DeviceName::Gpu => "gpu",
            DeviceName::SoftwareGpu => "software-gpu",
            DeviceName::Ndarray => "ndarray",
        }
    }

    /// The feature of this crate that has it; `None` where every build has it.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            DeviceName::Cpu => None,
            DeviceName::Gpu | DeviceName::SoftwareGpu => Some("gpu"),
            DeviceName::Ndarray => Some("ndarray"),
        }
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let known = DeviceName::ALL.into_iter().find(|device| device.as_str() == name);
        known.ok_or_else(|| DeviceError::Unknown { name: name.to_owned() })
    }
}

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device has this name.
    #[error("no device {name:?}; expected one of {}", DeviceName::ALL.map(DeviceName::as_str).join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// This build has no such device.
    #[error("this build has no device {device}; expected one with the feature {feature}")]
    NotBuilt {
        /// The device.
        device: DeviceName,
        /// The feature that has it.
        feature: &'static str,
    },
    /// The machine has no such adapter, or it could not be opened.
    #[error("no device {device} on this machine: {what}")]
    NoAdapter {
        /// The device.
        device: DeviceName,
        /// What the graphics library said.
        what: String,
    },
    /// There is only an adapter in software.
    #[error(
        "no gpu on this machine: {adapter} is software; expected one in hardware, or software-gpu to be asked for"
    )]
    SoftwareOnly {
        /// Its name.
        adapter: String,
    },
}

#[cfg(feature = "networks")]
pub use open::device;

#[cfg(feature = "networks")]
mod open {
    use super::{DeviceError, DeviceName};
    use burn::tensor::Device;

    /// The device called `name`, ready to compute on.
    ///
    /// # Errors
    /// [`DeviceError`], where this build or this machine does not have it.
    pub fn device(name: DeviceName) -> Result<Device, DeviceError> {
        match name {
            DeviceName::Cpu => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(deprecated, reason = "burn gives it up in favour of flex; it stays to be asked for")]
            DeviceName::Ndarray => Ok(Device::ndarray()),
            #[cfg(feature = "gpu")]
            DeviceName::Gpu | DeviceName::SoftwareGpu => super::graphics::device(name),
            #[allow(unreachable_patterns)] // With every feature there is nothing left.
            _ => Err(DeviceError::NotBuilt { device: name, feature: name.feature().unwrap_or("networks") }),
        }
    }
}

/// The devices that tests go through: all that this build has and every machine can have.
#[cfg(all(test, feature = "networks"))]
pub(crate) fn tested() -> Vec<burn::tensor::Device> {
    let mut names = vec![DeviceName::Cpu];
    if cfg!(feature = "gpu") {
        names.push(DeviceName::SoftwareGpu);
    }
    if cfg!(feature = "ndarray") {
        names.push(DeviceName::Ndarray);
    }
    names.into_iter().map(|name| device(name).expect("a device of this build")).collect()
}

#[cfg(feature = "gpu")]
mod graphics {
    use super::{DeviceError, DeviceName};
    use burn::tensor::wgpu::wgpu::DeviceType;
    use burn::tensor::{Device, DeviceKind};
    use std::sync::OnceLock;

    /// A graphics device may be opened once: what came of it is kept.
    pub(super) fn device(name: DeviceName) -> Result<Device, DeviceError> {
        static HARDWARE: OnceLock<Result<Device, DeviceError>> = OnceLock::new();
        static SOFTWARE: OnceLock<Result<Device, DeviceError>> = OnceLock::new();
        let kept = if name == DeviceName::Gpu { &HARDWARE } else { &SOFTWARE };
        kept.get_or_init(|| open(name)).clone()
    }

    fn open(name: DeviceName) -> Result<Device, DeviceError> {
        let options = match name {
            DeviceName::SoftwareGpu => Device::wgpu_options().device_kind(DeviceKind::Cpu),
            _ => Device::wgpu_options(),
        };
        let (device, setup) = options
            .init_with_setup()
            .map_err(|error| DeviceError::NoAdapter { device: name, what: error.to_string() })?;
        let info = setup.adapter.get_info();
        tracing::info!(device = %name, adapter = info.name, driver = info.driver_info, "graphics adapter");
        if name == DeviceName::Gpu && info.device_type == DeviceType::Cpu {
            return Err(DeviceError::SoftwareOnly { adapter: info.name });
        }
        Ok(device)
    }
}
