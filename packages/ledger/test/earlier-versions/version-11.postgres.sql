CREATE TABLE public.attempts (
    id text NOT NULL,
    call_id text,
    attempt bigint,
    role text,
    started_at bigint,
    tenant text,
    target text,
    endpoint text,
    provider text,
    model_asked text,
    model_answered text,
    input_tokens bigint,
    output_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    estimated bigint,
    cost_nano bigint,
    failure text,
    status bigint,
    stop_reason text,
    ttft_ms double precision,
    total_ms double precision,
    call_row text,
    code text,
    request_id text,
    session text
);
CREATE TABLE public.audit (
    seq bigint NOT NULL,
    id text NOT NULL,
    at bigint NOT NULL,
    entry text NOT NULL,
    prev text NOT NULL,
    hash text NOT NULL,
    version bigint NOT NULL,
    key_id text,
    mac text
);
CREATE TABLE public.audit_marks (
    name text NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    key_id text,
    mac text
);
CREATE TABLE public.call_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    model text NOT NULL,
    tenant text NOT NULL,
    target text NOT NULL,
    calls bigint NOT NULL,
    errors bigint NOT NULL,
    cancelled bigint NOT NULL,
    fallbacks bigint NOT NULL
);
CREATE TABLE public.calls (
    id text NOT NULL,
    call_id text,
    started_at bigint,
    tenant text,
    api text,
    operation text,
    model_asked text,
    model_answered text,
    target text,
    attempts bigint,
    failure text,
    status bigint,
    stop_reason text,
    ttft_ms double precision,
    total_ms double precision,
    stream bigint,
    fallback_from text,
    fallback_to text,
    fallback_reason text,
    session text
);
CREATE TABLE public.changes (
    id text NOT NULL,
    started_at bigint NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    endpoint text NOT NULL,
    subject text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    reason text NOT NULL,
    until bigint
);
CREATE TABLE public.comparison_latency_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    from_target text NOT NULL,
    to_target text NOT NULL,
    side text NOT NULL,
    measure text NOT NULL,
    bucket bigint NOT NULL,
    calls bigint NOT NULL
);
CREATE TABLE public.comparison_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    from_target text NOT NULL,
    to_target text NOT NULL,
    side text NOT NULL,
    comparisons bigint NOT NULL,
    failures bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_nano bigint NOT NULL,
    priced bigint NOT NULL,
    compared bigint NOT NULL,
    similarity_ppm bigint NOT NULL
);
CREATE TABLE public.comparisons (
    id text NOT NULL,
    call_id text NOT NULL,
    started_at bigint NOT NULL,
    from_target text NOT NULL,
    to_target text NOT NULL,
    model_asked text NOT NULL,
    similarity double precision,
    primary_failure text,
    primary_ttft_ms double precision,
    primary_total_ms double precision NOT NULL,
    primary_output_tokens bigint NOT NULL,
    primary_cost_nano bigint,
    candidate_failure text,
    candidate_ttft_ms double precision,
    candidate_total_ms double precision NOT NULL,
    candidate_output_tokens bigint NOT NULL,
    candidate_cost_nano bigint
);
CREATE TABLE public.fallback_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    from_target text NOT NULL,
    to_target text NOT NULL,
    reason text NOT NULL,
    calls bigint NOT NULL
);
CREATE TABLE public.latency_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    model text NOT NULL,
    target text NOT NULL,
    measure text NOT NULL,
    bucket bigint NOT NULL,
    calls bigint NOT NULL
);
CREATE TABLE public.ledger_version (
    version integer NOT NULL
);
CREATE TABLE public.outcome_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    model text NOT NULL,
    tenant text NOT NULL,
    target text NOT NULL,
    failure text NOT NULL,
    status bigint NOT NULL,
    reason text NOT NULL,
    calls bigint NOT NULL
);
CREATE TABLE public.owners (
    id text NOT NULL,
    target text NOT NULL,
    endpoint text NOT NULL,
    tenant text,
    results_of text,
    at bigint NOT NULL
);
CREATE TABLE public.session_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    session text NOT NULL,
    tenant text NOT NULL,
    calls bigint NOT NULL,
    errors bigint NOT NULL,
    attempts bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_nano bigint NOT NULL,
    unpriced bigint NOT NULL
);
CREATE TABLE public.tenant_latency_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    tenant text NOT NULL,
    measure text NOT NULL,
    bucket bigint NOT NULL,
    calls bigint NOT NULL
);
CREATE TABLE public.usage_rollups (
    grain bigint NOT NULL,
    at bigint NOT NULL,
    model text NOT NULL,
    tenant text NOT NULL,
    target text NOT NULL,
    role text NOT NULL,
    attempts bigint NOT NULL,
    errors bigint NOT NULL,
    cancelled bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nano bigint NOT NULL,
    estimated bigint NOT NULL,
    estimated_cost_nano bigint NOT NULL,
    unpriced bigint NOT NULL,
    estimated_input_tokens bigint DEFAULT 0 NOT NULL,
    estimated_output_tokens bigint DEFAULT 0 NOT NULL,
    estimated_cache_read_tokens bigint DEFAULT 0 NOT NULL,
    estimated_cache_write_tokens bigint DEFAULT 0 NOT NULL,
    estimated_reasoning_tokens bigint DEFAULT 0 NOT NULL
);
INSERT INTO public.attempts VALUES ('c0-1', 'call-0', 1, 'primary', 1793491090000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1000, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c0', 'overloaded_error', 'req_c0-1', 'session of null');
INSERT INTO public.attempts VALUES ('c0-2', 'call-0', 2, 'retry', 1793491100000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1000, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c0', NULL, NULL, 'session of null');
INSERT INTO public.attempts VALUES ('c1-1', 'call-1', 1, 'primary', 1793491121000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1001, 20, 3, 2, 1, 1, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c1', 'overloaded_error', 'req_c1-1', 'session of acme');
INSERT INTO public.attempts VALUES ('c1-2', 'call-1', 2, 'retry', 1793491131000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1001, 40, 3, 2, 1, 1, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c1', NULL, NULL, 'session of acme');
INSERT INTO public.attempts VALUES ('c2-1', 'call-2', 1, 'primary', 1793491152000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1002, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c2', 'overloaded_error', 'req_c2-1', 'session of acme');
INSERT INTO public.attempts VALUES ('c2-2', 'call-2', 2, 'retry', 1793491162000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1002, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c2', NULL, NULL, 'session of acme');
INSERT INTO public.attempts VALUES ('c3-1', 'call-3', 1, 'primary', 1793491183000, NULL, 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1003, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c3', 'overloaded_error', 'req_c3-1', 'session of null');
INSERT INTO public.attempts VALUES ('c3-2', 'call-3', 2, 'retry', 1793491193000, NULL, 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1003, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c3', NULL, NULL, 'session of null');
INSERT INTO public.attempts VALUES ('c4-1', 'call-4', 1, 'primary', 1793491214000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1004, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c4', 'overloaded_error', 'req_c4-1', 'session of acme');
INSERT INTO public.attempts VALUES ('c4-2', 'call-4', 2, 'fallback', 1793491224000, 'acme', 'local', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1004, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c4', NULL, NULL, 'session of acme');
INSERT INTO public.attempts VALUES ('c5-1', 'call-5', 1, 'primary', 1793491245000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1005, 20, 3, 2, 1, 1, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c5', 'overloaded_error', 'req_c5-1', 'session of acme');
INSERT INTO public.attempts VALUES ('c5-2', 'call-5', 2, 'retry', 1793491255000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1005, 40, 3, 2, 1, 1, 1000000007, 'overloaded', NULL, NULL, 100, 500.5, 'c5', 'overloaded_error', 'req_c5-2', 'session of acme');
INSERT INTO public.attempts VALUES ('c6-1', 'call-6', 1, 'primary', 1793491276000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1006, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c6', 'overloaded_error', 'req_c6-1', 'session of null');
INSERT INTO public.attempts VALUES ('c6-2', 'call-6', 2, 'retry', 1793491286000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1006, 40, 3, 2, 1, 0, 1000000007, 'cancelled', NULL, NULL, 100, 500.5, 'c6', NULL, NULL, 'session of null');
INSERT INTO public.attempts VALUES ('c7-1', 'call-7', 1, 'primary', 1793491307000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1007, 20, 3, 2, 1, 0, NULL, 'overloaded', 529, NULL, NULL, 500.5, 'c7', 'overloaded_error', 'req_c7-1', 'session of acme');
INSERT INTO public.attempts VALUES ('c7-2', 'call-7', 2, 'retry', 1793491317000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1007, 40, 3, 2, 1, 0, NULL, NULL, NULL, NULL, 100, 500.5, 'c7', NULL, NULL, 'session of acme');
INSERT INTO public.audit VALUES (3, 'e3', 1793491083000, '{"action":"call","actor":"acme","at":1793491083000,"details":{"from":"127.0.0.1","number":3,"outcome":"ok"},"id":"e3"}', '783fcecadf4ad9e4992153e6a09187b59bd7d05cff14c77acf3d4ac6f60d62ea', '77a7702c51a4124b5455348ac7c4b81712e4b627eb2f31650b0aaf95cc83b813', 2, NULL, NULL);
INSERT INTO public.audit VALUES (4, 'e4', 1793491084000, '{"action":"call","actor":"acme","at":1793491084000,"details":{"from":"127.0.0.1","number":4,"outcome":"ok"},"id":"e4"}', '77a7702c51a4124b5455348ac7c4b81712e4b627eb2f31650b0aaf95cc83b813', '6083be8ea8625a4baa9aa7b3958438a5b9400d1972cc1665aa5155b856c502d4', 2, NULL, NULL);
INSERT INTO public.audit VALUES (5, 'e5', 1793491085000, '{"action":"call","actor":"acme","at":1793491085000,"details":{"from":"127.0.0.1","number":5,"outcome":"ok"},"id":"e5"}', '6083be8ea8625a4baa9aa7b3958438a5b9400d1972cc1665aa5155b856c502d4', '1f316b6c8df75bcf7a739b408b2afec2ddad60f1b0ce55ef70b8371302d8fa91', 2, NULL, NULL);
INSERT INTO public.audit VALUES (6, 'e6', 1793491086000, '{"action":"call","actor":"acme","at":1793491086000,"details":{"from":"127.0.0.1","number":6,"outcome":"ok"},"id":"e6"}', '1f316b6c8df75bcf7a739b408b2afec2ddad60f1b0ce55ef70b8371302d8fa91', 'a22b6187dfaee687ae9231b12386a6f56c7555439c7644fdf7d112a11d045a05', 2, NULL, NULL);
INSERT INTO public.audit VALUES (7, 'p1', 1793491170000, '{"action":"audit.pruned","actor":"retention","at":1793491170000,"details":{"before":1793491082500,"fromHash":"0000000000000000000000000000000000000000000000000000000000000000","fromSeq":0,"hash":"783fcecadf4ad9e4992153e6a09187b59bd7d05cff14c77acf3d4ac6f60d62ea","reason":"retention","seq":2},"id":"p1"}', 'a22b6187dfaee687ae9231b12386a6f56c7555439c7644fdf7d112a11d045a05', '1413890ced12ca886f12bf2451364a110cfb0a693b61d2cdd4991b852e03e3e8', 2, NULL, NULL);
INSERT INTO public.audit VALUES (8, 'e7', 1793491087000, '{"action":"call","actor":"acme","at":1793491087000,"details":{"from":"127.0.0.1","number":7,"outcome":"ok"},"id":"e7"}', '1413890ced12ca886f12bf2451364a110cfb0a693b61d2cdd4991b852e03e3e8', 'bff05d192a7b735297ac72c494c0141333426f59973e1c66a4a3b398a7335002', 2, NULL, NULL);
INSERT INTO public.audit_marks VALUES ('anchor', 2, '783fcecadf4ad9e4992153e6a09187b59bd7d05cff14c77acf3d4ac6f60d62ea', NULL, NULL);
INSERT INTO public.audit_marks VALUES ('head', 8, 'bff05d192a7b735297ac72c494c0141333426f59973e1c66a4a3b398a7335002', NULL, NULL);
INSERT INTO public.call_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 1, 0, 1, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 1, 0, 0, 1);
INSERT INTO public.call_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', '', 1, 1, 0, 0);
INSERT INTO public.call_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 1, 0, 0, 1);
INSERT INTO public.call_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', '', 1, 1, 0, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 1, 0, 1, 0);
INSERT INTO public.call_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 1, 0, 1, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 1, 0, 0, 1);
INSERT INTO public.call_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', '', 1, 1, 0, 0);
INSERT INTO public.call_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 1, 0, 0, 0);
INSERT INTO public.calls VALUES ('c0', 'call-0', 1793491080000, NULL, 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 120.5, 900.25, 0, NULL, NULL, NULL, 'session of null');
INSERT INTO public.calls VALUES ('c1', 'call-1', 1793491111000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 241, 1800.5, 1, NULL, NULL, NULL, 'session of acme');
INSERT INTO public.calls VALUES ('c2', 'call-2', 1793491142000, 'acme', 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 361.5, 2700.75, 0, NULL, NULL, NULL, 'session of acme');
INSERT INTO public.calls VALUES ('c3', 'call-3', 1793491173000, NULL, 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 482, 3601, 1, NULL, NULL, NULL, 'session of null');
INSERT INTO public.calls VALUES ('c4', 'call-4', 1793491204000, 'acme', 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'local', 2, NULL, 200, 'end_turn', 602.5, 4501.25, 0, 'claude', 'local', 'timeout', 'session of acme');
INSERT INTO public.calls VALUES ('c5', 'call-5', 1793491235000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', NULL, 2, 'overloaded', 529, 'end_turn', NULL, 5401.5, 1, NULL, NULL, NULL, 'session of acme');
INSERT INTO public.calls VALUES ('c6', 'call-6', 1793491266000, NULL, 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, 'cancelled', 200, 'end_turn', 843.5, 6301.75, 0, NULL, NULL, NULL, 'session of null');
INSERT INTO public.calls VALUES ('c7', 'call-7', 1793491297000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 964, 7202, 1, NULL, NULL, NULL, 'session of acme');
INSERT INTO public.changes VALUES ('change-1', 1793491080000, 'circuit', 'claude', 'first', 'claude-opus-5', 'closed', 'open', 'failure_rate', NULL);
INSERT INTO public.comparison_latency_rollups VALUES (3600000, 1793487600000, 'claude', 'candidate', 'primary', 'first_content', 51, 1);
INSERT INTO public.comparison_latency_rollups VALUES (3600000, 1793487600000, 'claude', 'candidate', 'primary', 'total', 72, 1);
INSERT INTO public.comparison_latency_rollups VALUES (60000, 1793491080000, 'claude', 'candidate', 'primary', 'first_content', 51, 1);
INSERT INTO public.comparison_latency_rollups VALUES (60000, 1793491080000, 'claude', 'candidate', 'primary', 'total', 72, 1);
INSERT INTO public.comparison_latency_rollups VALUES (86400000, 1793404800000, 'claude', 'candidate', 'primary', 'first_content', 51, 1);
INSERT INTO public.comparison_latency_rollups VALUES (86400000, 1793404800000, 'claude', 'candidate', 'primary', 'total', 72, 1);
INSERT INTO public.comparison_rollups VALUES (3600000, 1793487600000, 'claude', 'candidate', 'candidate', 1, 1, 0, 0, 0, 1, 875000);
INSERT INTO public.comparison_rollups VALUES (3600000, 1793487600000, 'claude', 'candidate', 'primary', 1, 0, 40, 4000000, 1, 1, 875000);
INSERT INTO public.comparison_rollups VALUES (60000, 1793491080000, 'claude', 'candidate', 'candidate', 1, 1, 0, 0, 0, 1, 875000);
INSERT INTO public.comparison_rollups VALUES (60000, 1793491080000, 'claude', 'candidate', 'primary', 1, 0, 40, 4000000, 1, 1, 875000);
INSERT INTO public.comparison_rollups VALUES (86400000, 1793404800000, 'claude', 'candidate', 'candidate', 1, 1, 0, 0, 0, 1, 875000);
INSERT INTO public.comparison_rollups VALUES (86400000, 1793404800000, 'claude', 'candidate', 'primary', 1, 0, 40, 4000000, 1, 1, 875000);
INSERT INTO public.comparisons VALUES ('comparison-1', 'call-1', 1793491080000, 'claude', 'candidate', 'claude-opus-5', 0.875, NULL, 120.5, 900.25, 40, 4000000, 'timeout', NULL, 1200.5, 0, NULL);
INSERT INTO public.fallback_rollups VALUES (3600000, 1793491200000, 'claude', 'local', 'timeout', 1);
INSERT INTO public.fallback_rollups VALUES (60000, 1793491200000, 'claude', 'local', 'timeout', 1);
INSERT INTO public.fallback_rollups VALUES (86400000, 1793491200000, 'claude', 'local', 'timeout', 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'claude', 'first_content', 51, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'claude', 'first_content', 62, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'claude', 'total', 72, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'claude', 'total', 83, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'claude', 'first_content', 58, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'claude', 'first_content', 65, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'claude', 'total', 79, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'claude', 'total', 86, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'claude', 'first_content', 71, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'local', 'first_content', 68, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'local', 'total', 89, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'claude', 'first_content', 73, 1);
INSERT INTO public.latency_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'claude', 'total', 94, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', 'claude', 'first_content', 51, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', 'claude', 'total', 72, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'claude', 'first_content', 58, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'claude', 'total', 79, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'claude', 'first_content', 62, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'claude', 'total', 83, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491140000, 'claude-opus-5', 'claude', 'first_content', 65, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491140000, 'claude-opus-5', 'claude', 'total', 86, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'local', 'first_content', 68, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'local', 'total', 89, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', 'claude', 'first_content', 71, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'claude', 'first_content', 73, 1);
INSERT INTO public.latency_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'claude', 'total', 94, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'claude', 'first_content', 51, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'claude', 'first_content', 62, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'claude', 'total', 72, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'claude', 'total', 83, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'claude', 'first_content', 58, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'claude', 'first_content', 65, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'claude', 'total', 79, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'claude', 'total', 86, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'claude', 'first_content', 71, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'local', 'first_content', 68, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'local', 'total', 89, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'claude', 'first_content', 73, 1);
INSERT INTO public.latency_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'claude', 'total', 94, 1);
INSERT INTO public.ledger_version VALUES (0);
INSERT INTO public.ledger_version VALUES (1);
INSERT INTO public.ledger_version VALUES (2);
INSERT INTO public.ledger_version VALUES (3);
INSERT INTO public.ledger_version VALUES (4);
INSERT INTO public.ledger_version VALUES (5);
INSERT INTO public.ledger_version VALUES (6);
INSERT INTO public.ledger_version VALUES (7);
INSERT INTO public.ledger_version VALUES (8);
INSERT INTO public.ledger_version VALUES (9);
INSERT INTO public.ledger_version VALUES (10);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'cancelled', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', '', 200, 'timeout', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', '', 'overloaded', 529, '', 1);
INSERT INTO public.outcome_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', '', 200, 'timeout', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', '', 'overloaded', 529, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 'cancelled', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'cancelled', 200, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', '', 200, 'timeout', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', '', 'overloaded', 529, '', 1);
INSERT INTO public.outcome_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', '', 200, '', 1);
INSERT INTO public.owners VALUES ('msgbatch_1', 'claude', 'first', 'acme', NULL, 1793491080000);
INSERT INTO public.session_rollups VALUES (3600000, 1793487600000, 'session of acme', 'acme', 2, 0, 4, 4026, 120, 4000000028, 0);
INSERT INTO public.session_rollups VALUES (3600000, 1793487600000, 'session of null', '', 2, 0, 4, 4026, 120, 4000000028, 0);
INSERT INTO public.session_rollups VALUES (3600000, 1793491200000, 'session of acme', 'acme', 3, 1, 6, 6062, 180, 4000000028, 2);
INSERT INTO public.session_rollups VALUES (3600000, 1793491200000, 'session of null', '', 1, 0, 2, 2022, 60, 2000000014, 0);
INSERT INTO public.session_rollups VALUES (86400000, 1793404800000, 'session of acme', 'acme', 2, 0, 4, 4026, 120, 4000000028, 0);
INSERT INTO public.session_rollups VALUES (86400000, 1793404800000, 'session of null', '', 2, 0, 4, 4026, 120, 4000000028, 0);
INSERT INTO public.session_rollups VALUES (86400000, 1793491200000, 'session of acme', 'acme', 3, 1, 6, 6062, 180, 4000000028, 2);
INSERT INTO public.session_rollups VALUES (86400000, 1793491200000, 'session of null', '', 1, 0, 2, 2022, 60, 2000000014, 0);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, '', 'first_content', 51, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, '', 'first_content', 65, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, '', 'total', 72, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, '', 'total', 86, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, 'acme', 'first_content', 58, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, 'acme', 'first_content', 62, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, 'acme', 'total', 79, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793487600000, 'acme', 'total', 83, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793491200000, '', 'first_content', 71, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793491200000, 'acme', 'first_content', 68, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793491200000, 'acme', 'first_content', 73, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793491200000, 'acme', 'total', 89, 1);
INSERT INTO public.tenant_latency_rollups VALUES (3600000, 1793491200000, 'acme', 'total', 94, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491080000, '', 'first_content', 51, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491080000, '', 'total', 72, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491080000, 'acme', 'first_content', 58, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491080000, 'acme', 'total', 79, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491140000, '', 'first_content', 65, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491140000, '', 'total', 86, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491140000, 'acme', 'first_content', 62, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491140000, 'acme', 'total', 83, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491200000, 'acme', 'first_content', 68, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491200000, 'acme', 'total', 89, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491260000, '', 'first_content', 71, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491260000, 'acme', 'first_content', 73, 1);
INSERT INTO public.tenant_latency_rollups VALUES (60000, 1793491260000, 'acme', 'total', 94, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, '', 'first_content', 51, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, '', 'first_content', 65, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, '', 'total', 72, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, '', 'total', 86, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, 'acme', 'first_content', 58, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, 'acme', 'first_content', 62, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, 'acme', 'total', 79, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793404800000, 'acme', 'total', 83, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793491200000, '', 'first_content', 71, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793491200000, 'acme', 'first_content', 68, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793491200000, 'acme', 'first_content', 73, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793491200000, 'acme', 'total', 89, 1);
INSERT INTO public.tenant_latency_rollups VALUES (86400000, 1793491200000, 'acme', 'total', 94, 1);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 40, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 2, 2, 0, 2012, 40, 6, 4, 2, 1000000007, 1, 1000000007, 1, 1005, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 2, 1, 0, 2012, 80, 6, 4, 2, 1000000007, 1, 1000000007, 1, 1005, 40, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 40, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1005, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1005, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 1, 0, 1005, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1005, 40, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1007, 20, 3, 2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1007, 40, 3, 2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0, 1001, 40, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 2, 2, 0, 2012, 40, 6, 4, 2, 1000000007, 1, 1000000007, 1, 1005, 20, 3, 2, 1);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 2, 1, 0, 2012, 80, 6, 4, 2, 1000000007, 1, 1000000007, 1, 1005, 40, 3, 2, 1);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_id_key UNIQUE (id);
ALTER TABLE ONLY public.audit_marks
    ADD CONSTRAINT audit_marks_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.call_rollups
    ADD CONSTRAINT call_rollups_key PRIMARY KEY (grain, at, model, tenant, target);
ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_key PRIMARY KEY (id);
ALTER TABLE ONLY public.comparison_latency_rollups
    ADD CONSTRAINT comparison_latency_rollups_key PRIMARY KEY (grain, at, from_target, to_target, side, measure, bucket);
ALTER TABLE ONLY public.comparison_rollups
    ADD CONSTRAINT comparison_rollups_key PRIMARY KEY (grain, at, from_target, to_target, side);
ALTER TABLE ONLY public.comparisons
    ADD CONSTRAINT comparisons_key PRIMARY KEY (id);
ALTER TABLE ONLY public.fallback_rollups
    ADD CONSTRAINT fallback_rollups_key PRIMARY KEY (grain, at, from_target, to_target, reason);
ALTER TABLE ONLY public.latency_rollups
    ADD CONSTRAINT latency_rollups_key PRIMARY KEY (grain, at, model, target, measure, bucket);
ALTER TABLE ONLY public.ledger_version
    ADD CONSTRAINT ledger_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.outcome_rollups
    ADD CONSTRAINT outcome_rollups_key PRIMARY KEY (grain, at, model, tenant, target, failure, status, reason);
ALTER TABLE ONLY public.owners
    ADD CONSTRAINT owners_key PRIMARY KEY (id);
ALTER TABLE ONLY public.session_rollups
    ADD CONSTRAINT session_rollups_key PRIMARY KEY (grain, at, session, tenant);
ALTER TABLE ONLY public.tenant_latency_rollups
    ADD CONSTRAINT tenant_latency_rollups_key PRIMARY KEY (grain, at, tenant, measure, bucket);
ALTER TABLE ONLY public.usage_rollups
    ADD CONSTRAINT usage_rollups_key PRIMARY KEY (grain, at, model, tenant, target, role);
CREATE INDEX attempts_call_row ON public.attempts USING btree (call_row);
CREATE INDEX attempts_started_at ON public.attempts USING btree (started_at);
CREATE INDEX calls_call_id ON public.calls USING btree (call_id);
CREATE INDEX calls_call_id_bytes ON public.calls USING btree (call_id COLLATE "C");
CREATE INDEX calls_failure ON public.calls USING btree (failure, started_at, id COLLATE "C") WHERE (failure IS NOT NULL);
CREATE INDEX calls_model_asked ON public.calls USING btree (model_asked, started_at, id COLLATE "C");
CREATE INDEX calls_page ON public.calls USING btree (started_at, id COLLATE "C");
CREATE INDEX calls_problems ON public.calls USING btree (started_at, id COLLATE "C") WHERE ((failure IS NOT NULL) OR (fallback_to IS NOT NULL));
CREATE INDEX calls_reason ON public.calls USING btree (fallback_reason, started_at, id COLLATE "C") WHERE (fallback_reason IS NOT NULL);
CREATE INDEX calls_session ON public.calls USING btree (session, started_at, id COLLATE "C") WHERE (session IS NOT NULL);
CREATE INDEX calls_status ON public.calls USING btree (COALESCE(status, (0)::bigint), started_at, id COLLATE "C") WHERE (COALESCE(status, (0)::bigint) <> 200);
CREATE INDEX calls_target ON public.calls USING btree (target, started_at, id COLLATE "C");
CREATE INDEX calls_tenant ON public.calls USING btree (tenant, started_at, id COLLATE "C");
CREATE INDEX changes_started ON public.changes USING btree (started_at, id COLLATE "C");
CREATE INDEX comparisons_pair ON public.comparisons USING btree (from_target, to_target, started_at, id COLLATE "C");
CREATE INDEX comparisons_started ON public.comparisons USING btree (started_at);
CREATE INDEX owners_at ON public.owners USING btree (at);
