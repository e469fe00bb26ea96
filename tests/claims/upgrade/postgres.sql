--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: append_messages(uuid[], integer[], integer[], smallint[], uuid[], text[], bigint[], bigint, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.append_messages(chats uuid[], places integer[], nths integer[], seats smallint[], ids uuid[], texts text[], sent_ats bigint[], messages_max bigint, wait boolean) RETURNS TABLE(outcome "char", seq bigint, at bigint)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
DECLARE
    now_at bigint := now_ms();
    lasts bigint[];
BEGIN
    IF NOT wait THEN
        SELECT array_agg(l.last_seq) INTO lasts FROM (
            SELECT c.last_seq FROM chats c
            WHERE c.key = ANY (append_messages.chats) AND c.expires_at + 0 > now_at
              AND c.last_seq + cardinality(ids) <= messages_max
            ORDER BY c.key FOR NO KEY UPDATE SKIP LOCKED
        ) l;
        now_at := clock_ms();
    END IF;
    -- Nearly always all chats are there and nothing has been sent before: that is three statements
    -- and no search, and the index says when it is otherwise.
    IF cardinality(lasts) = cardinality(chats) THEN
        BEGIN
            INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
            SELECT append_messages.chats[d.place], lasts[d.place] + d.nth, now_at, d.sent_at, d.id,
                   d.seat, d.text
            FROM unnest(places, nths, sent_ats, ids, seats, texts)
                AS d (place, nth, sent_at, id, seat, text);
            UPDATE chats c SET last_seq = lasts[d.place] + d.nth
            FROM (SELECT place, max(nth) AS nth FROM unnest(places, nths) AS d (place, nth)
                  GROUP BY place) d
            WHERE c.key = append_messages.chats[d.place];
            RETURN QUERY SELECT 's'::"char", lasts[d.place] + d.nth, now_at
            FROM unnest(places, nths) AS d (place, nth);
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
    RETURN QUERY SELECT * FROM append_messages_one_by_one(
        ARRAY(SELECT append_messages.chats[d.place] FROM unnest(places) WITH ORDINALITY AS d (place, ord)
              ORDER BY d.ord),
        seats, ids, texts, sent_ats, messages_max, wait);
END
$$;


--
-- Name: append_messages_one_by_one(uuid[], smallint[], uuid[], text[], bigint[], bigint, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.append_messages_one_by_one(keys uuid[], seats smallint[], ids uuid[], texts text[], sent_ats bigint[], messages_max bigint, wait boolean) RETURNS TABLE(outcome "char", seq bigint, at bigint)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
DECLARE
    locked uuid[];
    now_at bigint;
BEGIN
    IF wait THEN
        SELECT coalesce(array_agg(l.key), '{}') INTO locked FROM (
            SELECT c.key FROM chats c WHERE c.key = ANY (keys) ORDER BY c.key FOR NO KEY UPDATE
        ) l;
    ELSE
        SELECT coalesce(array_agg(l.key), '{}') INTO locked FROM (
            SELECT c.key FROM chats c WHERE c.key = ANY (keys) ORDER BY c.key
            FOR NO KEY UPDATE SKIP LOCKED
        ) l;
    END IF;
    now_at := clock_ms();

    RETURN QUERY
    WITH found AS (
        SELECT d.*, c.last_seq, c.expires_at, m.seq AS seq_before, m.at AS at_before,
               m.text = d.text AS same_text,
               row_number() OVER (PARTITION BY d.key, d.id, d.seat ORDER BY d.ord) > 1 AS repeated
        FROM unnest(keys, seats, ids, texts, sent_ats)
            WITH ORDINALITY AS d (key, seat, id, text, sent_at, ord)
        LEFT JOIN chats c ON c.key = d.key AND c.key = ANY (locked)
        LEFT JOIN messages m ON m.key = d.key AND m.id = d.id AND m.seat = d.seat
    ), judged AS (
        SELECT f.*, f.expires_at > now_at AND f.seq_before IS NULL AND NOT f.repeated AS fresh
        FROM found f
    ), placed AS (
        SELECT j.*, j.last_seq + count(*) FILTER (WHERE j.fresh)
                        OVER (PARTITION BY j.key ORDER BY j.ord) AS place
        FROM judged j
    ), stored AS (
        INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
        SELECT p.key, p.place, now_at, p.sent_at, p.id, p.seat, p.text
        FROM placed p WHERE p.fresh AND p.place <= messages_max
    ), moved AS (
        UPDATE chats c SET last_seq = p.place
        FROM (SELECT key, max(place) AS place FROM placed
              WHERE fresh AND place <= messages_max GROUP BY key) p
        WHERE c.key = p.key
    )
    SELECT CASE
            WHEN p.last_seq IS NULL AND EXISTS (SELECT FROM tombstones t WHERE t.key = p.key) THEN 'e'
            WHEN p.last_seq IS NULL AND EXISTS (SELECT FROM chats c WHERE c.key = p.key) THEN 'l'
            WHEN p.last_seq IS NULL THEN 'm'
            WHEN p.expires_at <= now_at THEN 'e'
            WHEN p.fresh AND p.place <= messages_max THEN 's'
            WHEN p.fresh THEN 'f'
            WHEN p.same_text THEN 'b'
            WHEN p.last_seq >= messages_max THEN 'f'
            WHEN p.seq_before IS NOT NULL THEN 'o'
            ELSE 'r'
        END::"char",
        CASE WHEN p.fresh THEN p.place ELSE p.seq_before END, coalesce(p.at_before, now_at)
    FROM placed p ORDER BY p.ord;
END
$$;


--
-- Name: clock_ms(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.clock_ms() RETURNS bigint
    LANGUAGE sql PARALLEL SAFE
    RETURN (floor((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint;


--
-- Name: now_ms(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.now_ms() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (floor((EXTRACT(epoch FROM statement_timestamp()) * (1000)::numeric)))::bigint;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: asks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.asks (
    key uuid NOT NULL,
    digest bytea NOT NULL,
    word uuid NOT NULL,
    seat smallint NOT NULL,
    allowed boolean,
    expires_at bigint NOT NULL
);


--
-- Name: chats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.chats (
    key uuid NOT NULL,
    expires_at bigint NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    registration bytea,
    sealed_hash bytea
)
WITH (fillfactor='60');


--
-- Name: messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.messages (
    key uuid NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    sent_at bigint,
    id uuid NOT NULL,
    seat smallint NOT NULL,
    text text NOT NULL
);
ALTER TABLE ONLY public.messages ALTER COLUMN text SET STATISTICS 0;


--
-- Name: refinery_schema_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);


--
-- Name: reservations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reservations (
    key uuid NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: seats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seats (
    key uuid NOT NULL,
    seat smallint NOT NULL,
    name text,
    taken boolean DEFAULT false NOT NULL,
    return_code bytea,
    device_code bytea,
    device_code_expires_at bigint,
    delivered bigint DEFAULT 0 NOT NULL,
    read bigint DEFAULT 0 NOT NULL,
    last_seen bigint,
    CONSTRAINT seats_seat_check CHECK ((seat = ANY (ARRAY[1, 2])))
)
WITH (fillfactor='60');
ALTER TABLE ONLY public.seats ALTER COLUMN name SET STATISTICS 0;


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    key uuid NOT NULL,
    digest bytea NOT NULL,
    id uuid NOT NULL,
    seat smallint NOT NULL,
    login bytea,
    code_set boolean NOT NULL,
    since bigint NOT NULL,
    last_seen bigint
)
WITH (fillfactor='80');


--
-- Name: tombstones; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tombstones (
    key uuid NOT NULL,
    ended_at bigint NOT NULL,
    purged boolean DEFAULT false NOT NULL
);


--
-- Data for Name: asks; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: chats; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.chats VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', 1798503865077, 2, NULL, NULL);


--
-- Data for Name: messages; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.messages VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', 1, 1795911865170, NULL, '0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11', 1, 'Hello');
INSERT INTO public.messages VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', 2, 1795911865182, NULL, '706288aa-9314-47f0-87ef-a20dedd9a36e', 2, 'Grüße 👋');


--
-- Data for Name: refinery_schema_history; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.refinery_schema_history VALUES (1, 'chats', '2026-11-29T00:24:22.097051956Z', '9926006881555123974');
INSERT INTO public.refinery_schema_history VALUES (2, 'samples', '2026-11-29T00:24:22.210400887Z', '12520355302872785772');


--
-- Data for Name: reservations; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: seats; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.seats VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', 2, 'Anny', true, '\xc036cbb0058be185cf63680e90652b4ca06240df8fb60199b3fdc7498ff5bf01', NULL, NULL, 0, 0, NULL);
INSERT INTO public.seats VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', 1, 'Abhi', true, '\xc1d024722a7e1eafa2ba91baa27d4dbfdea1602b05f57e1eb7ccea1b3b1dab64', NULL, NULL, 2, 2, NULL);


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sessions VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', '\x4104658c89f56f1797156c38be44a869499a3d407883b07d4b97f3220ea06932', '9b9d30e2-495f-4728-bcd0-4671266515aa', 1, NULL, true, 1795911865112, 1795911865168);
INSERT INTO public.sessions VALUES ('bab15b29-717a-0837-ba21-ad30de4edf96', '\xa964a2ec0be12b0074d83ac214a0abcc90710829aafd6da07e7167ee1f09515b', '97d960da-24e0-4dbf-b698-7da203fc2229', 2, NULL, true, 1795911865141, 1795911865181);


--
-- Data for Name: tombstones; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tombstones VALUES ('b8e0f251-0658-490e-2326-681bcac593b1', 1795911865324, true);


--
-- Name: asks asks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.asks
    ADD CONSTRAINT asks_pkey PRIMARY KEY (key, digest);


--
-- Name: chats chats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_pkey PRIMARY KEY (key);


--
-- Name: chats chats_registration_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_registration_key UNIQUE (registration);


--
-- Name: messages messages_key_id_seat_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_key_id_seat_key UNIQUE (key, id, seat);


--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (key, seq);


--
-- Name: refinery_schema_history refinery_schema_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);


--
-- Name: reservations reservations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (key);


--
-- Name: seats seats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seats
    ADD CONSTRAINT seats_pkey PRIMARY KEY (key, seat);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (key, digest);


--
-- Name: tombstones tombstones_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_pkey PRIMARY KEY (key);


--
-- Name: asks_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX asks_by_expiry ON public.asks USING btree (expires_at);


--
-- Name: chats_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_by_expiry ON public.chats USING btree (expires_at);


--
-- Name: reservations_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reservations_by_expiry ON public.reservations USING btree (expires_at);


--
-- Name: tombstones_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tombstones_by_age ON public.tombstones USING btree (ended_at);


--
-- Name: tombstones_to_purge; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tombstones_to_purge ON public.tombstones USING btree (key) WHERE (NOT purged);


--
-- PostgreSQL database dump complete
--


