//! Windows: the calls that have no safe wrapper. The only unsafe of the house is in this file; what is made of the calls
//! lies in the files below it.
//!
//! A process is named by its number and the moment it was created. That moment is a date, not a distance from the start
//! of the machine, so it tells boots apart as well.

#![allow(unsafe_code, reason = "the system's own calls; each block says why it is sound")]

mod basics;
mod children;
pub mod manager;
mod processes;
mod registry;
mod rights;
pub mod service;
mod services;
pub mod sockets;

pub use children::{Children, NO_WINDOW, ended, kill, terminate, tree};
pub use processes::{boot, cut_front, holder, holds, identify, java_folders, listening, processes, surroundings};
pub use registry::registered_javas;
pub use rights::{home_of_old, ordinary_writers, shut_out_others};

use basics::{checked, failed, narrow, wide};
use std::ffi::{OsStr, c_void};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::sync::Notify;
use windows_service::service::Service;
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_PARAMETER, ERROR_NO_MORE_FILES,
    FILETIME, HANDLE, INVALID_HANDLE_VALUE, LocalFree, WAIT_OBJECT_0,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{GetExtendedTcpTable, TCP_TABLE_OWNER_PID_LISTENER};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
    GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
};
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_C_EVENT, FreeConsole, GenerateConsoleCtrlEvent, GetConsoleProcessList, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::EventLog::{DeregisterEventSource, RegisterEventSourceW, ReportEventW};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, OpenJobObjectW, TerminateJobObject,
};
use windows_sys::Win32::System::Services::{ChangeServiceConfigW, SERVICE_DISABLED, SERVICE_NO_CHANGE};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetExitCodeProcess, GetProcessTimes, INFINITE, OpenProcess, RegisterWaitForSingleObject,
    TerminateProcess, UnregisterWaitEx, WT_EXECUTEINWAITTHREAD, WT_EXECUTEONLYONCE, WaitForSingleObject,
};

/// `JOB_OBJECT_TERMINATE`, which its crate hides in a large feature.
const JOB_OBJECT_TERMINATE: u32 = 8;

/// Who may open our pipe: the system, administrators, and whoever made it. Nothing is inherited.
const PIPE_RIGHTS: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;OW)";

/// Rights as the system wants them, freed when dropped.
struct Rights(PSECURITY_DESCRIPTOR);

impl Drop for Rights {
    fn drop(&mut self) {
        // SAFETY: the system made this descriptor for us, and nobody else frees it.
        unsafe { LocalFree(self.0) };
    }
}

/// Rights that are written as text.
fn rights_of(text: &str) -> io::Result<Rights> {
    let text = wide(OsStr::new(text));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the text ends with a zero, the descriptor is ours to fill, and its size is not asked for.
    checked(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    })?;
    Ok(Rights(descriptor))
}

/// The access list of a file or folder, as text.
pub fn access_list(path: &Path) -> io::Result<String> {
    let name = wide(path.as_os_str());
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the name ends with a zero, the descriptor is ours to fill; the other parts are not asked for.
    failed(unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    })?;
    let rights = Rights(descriptor);
    let (mut text, mut length) = (null_mut(), 0);
    // SAFETY: the descriptor is alive, and text and length are ours to fill.
    checked(unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            rights.0,
            SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION,
            &raw mut text,
            &raw mut length,
        )
    })?;
    // SAFETY: the system made a text of so many units, and it is alive until it is freed below.
    let units = unsafe { std::slice::from_raw_parts(text, usize::try_from(length).unwrap_or(0)) };
    let list = narrow(units).to_string_lossy().into_owned();
    // SAFETY: the system made this text for us, and nobody else frees it.
    unsafe { LocalFree(text.cast()) };
    Ok(list)
}

/// Gives a file or folder, and what inherits from it, this access list. `alone`: it inherits nothing.
pub fn set_access_list(path: &Path, list: &str, alone: bool) -> io::Result<()> {
    let rights = rights_of(list)?;
    let mut list: *mut ACL = null_mut();
    let (mut is_there, mut by_default) = (0, 0);
    // SAFETY: the descriptor is alive, the three places are ours to fill; the list lies within the descriptor.
    checked(unsafe { GetSecurityDescriptorDacl(rights.0, &raw mut is_there, &raw mut list, &raw mut by_default) })?;
    if is_there == 0 || list.is_null() {
        // A null list would let everybody in.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no access list"));
    }
    let name = wide(path.as_os_str());
    let what =
        if alone { DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION } else { DACL_SECURITY_INFORMATION };
    // SAFETY: the name ends with a zero, and the list lives in `rights` until the call returns.
    failed(unsafe {
        SetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, null_mut(), null_mut(), list, null_mut())
    })
}

/// Writes an event of this source, kind and number into the system's log.
fn write_event(source: &str, kind: u16, number: u32, text: &str) -> io::Result<()> {
    let (source, text) = (wide(OsStr::new(source)), wide(OsStr::new(text)));
    // SAFETY: the name ends with a zero.
    let log = unsafe { RegisterEventSourceW(null(), source.as_ptr()) };
    checked(i32::from(!log.is_null()))?;
    let texts = [text.as_ptr()];
    // SAFETY: the log is open, there is one text, it ends with a zero, and there are no other bytes.
    let done = checked(unsafe { ReportEventW(log, kind, 0, number, null_mut(), 1, 0, texts.as_ptr(), null()) });
    // SAFETY: the log was opened above and is closed once.
    unsafe { DeregisterEventSource(log) };
    done
}

/// Nothing of the service is changed but when it starts: never.
fn disable_service(service: &Service) -> io::Result<()> {
    // SAFETY: the service is open, no text is passed, and no number is asked for.
    checked(unsafe {
        ChangeServiceConfigW(
            service.raw_handle(),
            SERVICE_NO_CHANGE,
            SERVICE_DISABLED,
            SERVICE_NO_CHANGE,
            null(),
            null(),
            null_mut(),
            null(),
            null(),
            null(),
            null(),
        )
    })
}

/// A pipe server that lets in only those who may. `first`: the name must not be taken yet.
pub fn pipe_server(name: &str, first: bool) -> io::Result<NamedPipeServer> {
    let rights = rights_of(PIPE_RIGHTS)?;
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: rights.0,
        bInheritHandle: 0,
    };
    let mut options = ServerOptions::new();
    options.first_pipe_instance(first).reject_remote_clients(true);
    // SAFETY: the attributes and the descriptor in them live until the call returns.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

/// Owns a handle that was just made; a null one is the error that the system remembers.
fn own(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller has just got this handle from the system, it is valid, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// A handle on the process of this number; none: there is none.
fn open_process(pid: u32, access: u32) -> io::Result<Option<OwnedHandle>> {
    // SAFETY: no pointers are passed; the result is checked by `own`.
    match own(unsafe { OpenProcess(access, 0, pid) }) {
        Ok(handle) => Ok(Some(handle)),
        Err(error)
            if error.raw_os_error().and_then(|code| u32::try_from(code).ok()) == Some(ERROR_INVALID_PARAMETER) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// When the process was created, in units of 100 nanoseconds since 1601.
fn created(process: &OwnedHandle) -> io::Result<u64> {
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut created, mut exited, mut kernel, mut user) = (zero, zero, zero, zero);
    // SAFETY: the handle is open and the four pointers are to values that live through the call.
    let done = unsafe {
        GetProcessTimes(process.as_raw_handle(), &raw mut created, &raw mut exited, &raw mut kernel, &raw mut user)
    };
    checked(done)?;
    Ok((u64::from(created.dwHighDateTime) << 32) | u64::from(created.dwLowDateTime))
}

/// The code of a process that has ended; none: it lives.
fn exit_code(process: &OwnedHandle) -> io::Result<Option<i32>> {
    // SAFETY: the handle is open; a wait of zero only looks.
    if unsafe { WaitForSingleObject(process.as_raw_handle(), 0) } != WAIT_OBJECT_0 {
        return Ok(None);
    }
    let mut code = 0_u32;
    // SAFETY: the handle is open and the pointer is to a value that lives through the call.
    checked(unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut code) })?;
    Ok(Some(i32::from_ne_bytes(code.to_ne_bytes())))
}

fn terminate_process(process: &OwnedHandle) -> io::Result<()> {
    // SAFETY: the handle is open.
    checked(unsafe { TerminateProcess(process.as_raw_handle(), 1) })
}

/// A wait that the system's own thread does for us; ended when it is dropped.
struct Wait {
    handle: HANDLE,
    // Boxed: the system holds its address until the wait is over.
    ended: Box<Notify>,
}

unsafe extern "system" fn process_ended(context: *mut c_void, _timed_out: bool) {
    // SAFETY: the context is the `Notify` of a `Wait`, which is freed only after `UnregisterWaitEx` has seen us return.
    let ended = unsafe { &*context.cast::<Notify>() };
    ended.notify_one();
}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: the handle came from `RegisterWaitForSingleObject` and is given back once. With INVALID_HANDLE_VALUE the
        // call returns only when no callback runs any more, so that `ended` may be freed.
        unsafe { UnregisterWaitEx(self.handle, INVALID_HANDLE_VALUE) };
    }
}

/// Resolves when the process has ended. Cancel safe.
async fn until_ended(process: &OwnedHandle) -> io::Result<()> {
    let ended = Box::new(Notify::new());
    let context: *const Notify = &raw const *ended;
    let mut handle = null_mut();
    // SAFETY: the process handle outlives the wait (it is borrowed for as long as this future), and the context lives in
    // a box that `Wait` frees only after the wait is over.
    let done = unsafe {
        RegisterWaitForSingleObject(
            &raw mut handle,
            process.as_raw_handle(),
            Some(process_ended),
            context.cast::<c_void>(),
            INFINITE,
            WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD,
        )
    };
    checked(done)?;
    let wait = Wait { handle, ended };
    wait.ended.notified().await;
    Ok(())
}

/// Number and parent of every process.
fn snapshot() -> io::Result<Vec<(u32, u32)>> {
    // SAFETY: no pointers are passed; the result is checked by `own`.
    let snapshot = own(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) })?;
    let mut entry =
        PROCESSENTRY32W { dwSize: u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or(0), ..Default::default() };
    let mut found = Vec::new();
    // SAFETY: the snapshot is open, and the entry says its own size and lives through the call.
    let mut more = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        found.push((entry.th32ProcessID, entry.th32ParentProcessID));
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut entry) };
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error().and_then(|code| u32::try_from(code).ok()) == Some(ERROR_NO_MORE_FILES) || !found.is_empty()
    {
        Ok(found)
    } else {
        Err(error)
    }
}

/// The table of sockets that listen, of one address family, in words of 32 bits: first how many rows, then the rows.
fn listener_table(family: u32) -> io::Result<Vec<u32>> {
    // It may grow between two calls.
    const TRIES: u32 = 8;
    let mut table = vec![0_u32; 1024];
    for _ in 0..TRIES {
        let mut bytes = u32::try_from(table.len() * 4).unwrap_or(u32::MAX);
        // SAFETY: the table has room for as many bytes as is said, and lives through the call.
        let said = unsafe {
            let place = table.as_mut_ptr().cast::<c_void>();
            GetExtendedTcpTable(place, &raw mut bytes, 0, family, TCP_TABLE_OWNER_PID_LISTENER, 0)
        };
        match said {
            0 => return Ok(table),
            ERROR_INSUFFICIENT_BUFFER => table.resize(usize::try_from(bytes).unwrap_or(0) / 4 + 1024, 0),
            error => failed(error)?,
        }
    }
    Err(io::Error::other("the table of sockets grows faster than it is read"))
}

/// A job of this name that holds the process and all that it starts from now on. It does not end with us. The process gets
/// a handle on its own job, because a name is forgotten with its last handle, even while the job has members.
fn new_job(name: &OsStr, process: &OwnedHandle) -> io::Result<OwnedHandle> {
    let name = wide(name);
    // SAFETY: the name ends with a zero and lives through the call.
    let job = own(unsafe { CreateJobObjectW(null(), name.as_ptr()) })?;
    // SAFETY: both handles are open.
    checked(unsafe { AssignProcessToJobObject(job.as_raw_handle(), process.as_raw_handle()) })?;
    let mut theirs = null_mut();
    // SAFETY: all handles are open; the new one belongs to the other process and is closed when that ends.
    let shared = unsafe {
        let us = GetCurrentProcess();
        DuplicateHandle(us, job.as_raw_handle(), process.as_raw_handle(), &raw mut theirs, 0, 0, DUPLICATE_SAME_ACCESS)
    };
    checked(shared)?;
    Ok(job)
}

/// Ends every member of the job of this name.
fn end_job(name: &OsStr) -> io::Result<()> {
    let name = wide(name);
    // SAFETY: the name ends with a zero and lives through the call.
    let job = own(unsafe { OpenJobObjectW(JOB_OBJECT_TERMINATE, 0, name.as_ptr()) })?;
    // SAFETY: the handle is open.
    checked(unsafe { TerminateJobObject(job.as_raw_handle(), 1) })
}

/// Ctrl-C on the console of another process, as if a person pressed it there: a JVM ends in order on that (on Ctrl-Break it
/// only writes down its threads). We ignore Ctrl-C ourselves until [`hear_ctrl_c`].
fn press_ctrl_c(pid: u32) -> io::Result<()> {
    let mut attached = [0_u32; 16];
    // SAFETY: the list has room for as many numbers as is said.
    let count = unsafe { GetConsoleProcessList(attached.as_mut_ptr(), u32::try_from(attached.len()).unwrap_or(0)) };
    let friend = attached.into_iter().find(|other| *other != 0 && *other != std::process::id());
    if count > 0 && friend.is_none() {
        return Err(io::Error::other("our own console would close if we left it"));
    }
    // SAFETY: these calls take no pointers. We leave our console for that of the other process and come back to ours by
    // way of another process that is attached to it.
    unsafe {
        FreeConsole();
        let pressed = checked(AttachConsole(pid)).and_then(|()| {
            SetConsoleCtrlHandler(None, 1);
            let pressed = checked(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
            FreeConsole();
            pressed
        });
        if let Some(friend) = friend {
            AttachConsole(friend);
        }
        pressed
    }
}

/// Ctrl-C reaches us, and those that we start, again.
fn hear_ctrl_c() {
    // SAFETY: no pointers are passed.
    unsafe { SetConsoleCtrlHandler(None, 0) };
}
