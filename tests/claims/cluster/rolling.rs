//! Instances that come and go under people who talk.

use harness::servers::{Kind, Shape};

use super::traffic::Traffic;
use crate::support::cluster::Cluster;

const CHATS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_haproxy_loses_nothing() {
    rolling_restart(Kind::Haproxy, "5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_nginx_loses_nothing() {
    rolling_restart(Kind::Nginx, "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_caddy_loses_nothing() {
    // Two of its looks at an instance, and a second more.
    rolling_restart(Kind::Caddy, "11").await;
}

async fn rolling_restart(kind: Kind, leave_seconds: &str) {
    let mut cluster = Cluster::start(
        kind,
        Shape::Alike,
        &[("server.leave_seconds", leave_seconds)],
    );
    let traffic = Traffic::begin(&cluster.api(), CHATS).await;
    traffic.goes_on(50).await;
    for number in 0..cluster.site.instances.len() {
        let before = traffic.moved();
        let instance = &mut cluster.site.instances[number];
        let status = tokio::task::block_in_place(|| instance.stop()).unwrap();
        assert_eq!(status.code(), Some(0), "{}", instance.log());
        traffic.goes_on(50).await;
        assert!(traffic.moved() > before, "no stream was told to move");
        tokio::task::block_in_place(|| instance.resume()).unwrap();
        cluster.until_used(number).await;
        traffic.goes_on(50).await;
    }
    traffic.verdict().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_behind_haproxy_loses_nothing() {
    sudden_death(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_behind_nginx_loses_nothing() {
    sudden_death(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_behind_caddy_loses_nothing() {
    sudden_death(Kind::Caddy).await;
}

async fn sudden_death(kind: Kind) {
    let mut cluster = Cluster::start(kind, Shape::Alike, &[]);
    let traffic = Traffic::begin(&cluster.api(), CHATS).await;
    traffic.goes_on(50).await;
    tokio::task::block_in_place(|| cluster.site.instances[0].kill());
    traffic.goes_on(100).await;
    tokio::task::block_in_place(|| cluster.site.instances[0].resume()).unwrap();
    cluster.until_used(0).await;
    traffic.goes_on(50).await;
    traffic.verdict().await;
}
