//! What `duet doctor` reports about servers that share the chats: whether they and the settings agree.

use actors::{
    domain::Timestamp,
    ports::{Clock, SystemClock},
};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    Map,
    keeping::check_servers,
    maps::Maps,
    spreading::{add_unknown, differ, lacks_any, separate},
};
use crate::{
    config::PostgresUrl,
    store::{
        OpenError,
        examine::Finding,
        postgres::{Member, member},
    },
    words::counted,
};

/// Appends findings about `store.urls` and the maps on the servers; single servers are examined elsewhere.
///
/// # Errors
/// [`OpenError`] if duet would not start.
pub(crate) async fn examine(
    urls: &[PostgresUrl],
    found: &mut Vec<Finding>,
) -> Result<(), OpenError> {
    let members = urls.iter().map(async |url| {
        // An unreachable server has been reported already.
        let member = member(url).await.ok().flatten();
        (url.location(), member)
    });
    let members = join_all(members).await;
    let known: Vec<(&str, &Member)> = members
        .iter()
        .filter_map(|(place, member)| Some((place.as_str(), member.as_ref()?)))
        .collect();
    let mut all = Vec::new();
    for (place, member) in &known {
        add_unknown(&mut all, &member.maps)
            .map_err(|version| OpenError::wrong(differ(place, version)))?;
    }
    let identities = members.iter().map(|(place, member)| {
        (
            place.as_str(),
            member.as_ref().map(|member| member.identity),
        )
    });
    let Some(maps) = Maps::new(all) else {
        report_missing_maps(&known, found)?;
        return check_servers(identities, &[]);
    };
    let now = SystemClock.now();
    let before = found.len();
    for (place, member) in &known {
        found.extend(lacking(&maps, place, member));
        found.extend(outside(&maps, place, member, now));
    }
    check_servers(identities, &maps.in_use(now))?;
    if found.len() == before && known.len() == members.len() {
        found.push(Finding::ok(format!(
            "all servers of store.urls have one map, version {}: new chats go to {}",
            maps.newest().version,
            counted(maps.newest().servers.len(), "server"),
        )));
    }
    Ok(())
}

/// There is no map yet, or the servers that have one are away.
fn report_missing_maps(
    known: &[(&str, &Member)],
    found: &mut Vec<Finding>,
) -> Result<(), OpenError> {
    let inhabited = known.iter().filter(|(_, member)| member.is_inhabited);
    let inhabited: Vec<&str> = inhabited.map(|(place, _)| *place).collect();
    if inhabited.len() > 1 {
        return Err(OpenError::wrong(separate(&inhabited)));
    }
    if !known.is_empty() {
        found.push(Finding::warning(
            "no map says yet which servers take new chats: the first start makes it, with all servers there",
        ));
    }
    Ok(())
}

/// A server that lacks maps.
fn lacking(maps: &Maps, place: &str, member: &Member) -> Option<Finding> {
    lacks_any(&member.maps, maps.as_slice()).then(|| {
        Finding::warning(format!(
            "{place} lacks a map that other servers have: a running instance brings it within seconds, and so \
             does the `duet shards` command that made it when it is run again"
        ))
    })
}

/// A server that takes no new chats.
fn outside(maps: &Maps, place: &str, member: &Member, now: Timestamp) -> Option<Finding> {
    if maps.newest().servers.contains(&member.identity) {
        return None;
    }
    Some(match maps.in_use(now).contains(&member.identity) {
        true => Finding::ok(format!(
            "{place} takes no new chats: `duet shards` says from when on it can be left out of store.urls"
        )),
        false => Finding::warning(format!(
            "{place} is in store.urls, and no chat is put there: run `duet shards add {place}` when all \
             instances have it in store.urls, or leave it out"
        )),
    })
}

/// Refuses settings with a single server that shares its chats with others: the chats on the others would
/// seem not to exist.
///
/// # Errors
/// [`OpenError`] in that case.
pub(crate) fn check_alone(place: &str, identity: Uuid, maps: Vec<Map>) -> Result<(), OpenError> {
    let Some(maps) = Maps::new(maps) else {
        return Ok(());
    };
    let in_use = maps.in_use(SystemClock.now());
    let others = in_use.iter().filter(|server| **server != identity).count();
    match others {
        0 => Ok(()),
        others => Err(OpenError::wrong(format!(
            "{place} shares its chats with {}. Put them all into store.urls, in place of store.url: chats \
             of the others would not be found.",
            counted(others, "other server")
        ))),
    }
}
