-- The planner's settings in duet's sessions, for the scripts beside this file. A unit test of src/store/postgres/session.rs
-- compares them with what the server sets.
SET plan_cache_mode = 'force_generic_plan';
SET enable_seqscan = 'off';
SET enable_hashjoin = 'off';
SET enable_mergejoin = 'off';
SET jit = 'off';
