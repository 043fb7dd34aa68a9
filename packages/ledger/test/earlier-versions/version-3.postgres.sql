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
    call_row text
);
CREATE TABLE public.audit (
    seq bigint NOT NULL,
    id text NOT NULL,
    at bigint NOT NULL,
    entry text NOT NULL,
    prev text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.audit_marks (
    name text NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL
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
    fallback_reason text
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
    unpriced bigint NOT NULL
);
INSERT INTO public.attempts VALUES ('c0-1', 'call-0', 1, 'primary', 1793491090000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1000, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c0');
INSERT INTO public.attempts VALUES ('c0-2', 'call-0', 2, 'retry', 1793491100000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1000, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c0');
INSERT INTO public.attempts VALUES ('c1-1', 'call-1', 1, 'primary', 1793491121000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1001, 20, 3, 2, 1, 1, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c1');
INSERT INTO public.attempts VALUES ('c1-2', 'call-1', 2, 'retry', 1793491131000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1001, 40, 3, 2, 1, 1, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c1');
INSERT INTO public.attempts VALUES ('c2-1', 'call-2', 1, 'primary', 1793491152000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1002, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c2');
INSERT INTO public.attempts VALUES ('c2-2', 'call-2', 2, 'retry', 1793491162000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1002, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c2');
INSERT INTO public.attempts VALUES ('c3-1', 'call-3', 1, 'primary', 1793491183000, NULL, 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1003, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c3');
INSERT INTO public.attempts VALUES ('c3-2', 'call-3', 2, 'retry', 1793491193000, NULL, 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1003, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c3');
INSERT INTO public.attempts VALUES ('c4-1', 'call-4', 1, 'primary', 1793491214000, 'acme', 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1004, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c4');
INSERT INTO public.attempts VALUES ('c4-2', 'call-4', 2, 'fallback', 1793491224000, 'acme', 'local', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1004, 40, 3, 2, 1, 0, 1000000007, NULL, NULL, NULL, 100, 500.5, 'c4');
INSERT INTO public.attempts VALUES ('c5-1', 'call-5', 1, 'primary', 1793491245000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1005, 20, 3, 2, 1, 1, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c5');
INSERT INTO public.attempts VALUES ('c5-2', 'call-5', 2, 'retry', 1793491255000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1005, 40, 3, 2, 1, 1, 1000000007, 'overloaded', NULL, NULL, 100, 500.5, 'c5');
INSERT INTO public.attempts VALUES ('c6-1', 'call-6', 1, 'primary', 1793491276000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1006, 20, 3, 2, 1, 0, 1000000007, 'overloaded', 529, NULL, NULL, 500.5, 'c6');
INSERT INTO public.attempts VALUES ('c6-2', 'call-6', 2, 'retry', 1793491286000, NULL, 'claude', NULL, 'anthropic', 'claude-haiku-4-5', 'claude-opus-5', 1006, 40, 3, 2, 1, 0, 1000000007, 'cancelled', NULL, NULL, 100, 500.5, 'c6');
INSERT INTO public.attempts VALUES ('c7-1', 'call-7', 1, 'primary', 1793491307000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1007, 20, 3, 2, 1, 0, NULL, 'overloaded', 529, NULL, NULL, 500.5, 'c7');
INSERT INTO public.attempts VALUES ('c7-2', 'call-7', 2, 'retry', 1793491317000, 'acme', 'claude', NULL, 'anthropic', 'claude-opus-5', 'claude-opus-5', 1007, 40, 3, 2, 1, 0, NULL, NULL, NULL, NULL, 100, 500.5, 'c7');
INSERT INTO public.audit VALUES (3, 'e3', 1793491083000, '{"action":"call","actor":"acme","at":1793491083000,"details":{"from":"127.0.0.1","number":3,"outcome":"ok"},"id":"e3"}', '51bacc2b3cfb253631b9904aac391e105ca90581cfc485a72656326377b241af', '1bfa818539a1d3bd7978ee530de7594aae1ebbcff04de3f54d82b68f03d90240');
INSERT INTO public.audit VALUES (4, 'e4', 1793491084000, '{"action":"call","actor":"acme","at":1793491084000,"details":{"from":"127.0.0.1","number":4,"outcome":"ok"},"id":"e4"}', '1bfa818539a1d3bd7978ee530de7594aae1ebbcff04de3f54d82b68f03d90240', '29fe6f020fa02bc486843adc26b653e36c1e4319dff2620b9ea6aecda797d5b2');
INSERT INTO public.audit VALUES (5, 'e5', 1793491085000, '{"action":"call","actor":"acme","at":1793491085000,"details":{"from":"127.0.0.1","number":5,"outcome":"ok"},"id":"e5"}', '29fe6f020fa02bc486843adc26b653e36c1e4319dff2620b9ea6aecda797d5b2', '6c3c9c0e681b8e4850100c7d62b5ed38f8bebe340d74d91c7bc48c1ac453c99e');
INSERT INTO public.audit VALUES (6, 'e6', 1793491086000, '{"action":"call","actor":"acme","at":1793491086000,"details":{"from":"127.0.0.1","number":6,"outcome":"ok"},"id":"e6"}', '6c3c9c0e681b8e4850100c7d62b5ed38f8bebe340d74d91c7bc48c1ac453c99e', '1b691711b7ab8f07cde1cd1927d51df0e4f50670e6b80ebfca25a9cc9a431aef');
INSERT INTO public.audit VALUES (7, 'p1', 1793491170000, '{"action":"audit.pruned","actor":"retention","at":1793491170000,"details":{"hash":"51bacc2b3cfb253631b9904aac391e105ca90581cfc485a72656326377b241af","seq":2},"id":"p1"}', '1b691711b7ab8f07cde1cd1927d51df0e4f50670e6b80ebfca25a9cc9a431aef', '5a83315d4a9cf400358f7f1bcc45f73115d71d95b7dfcef37c1852d0207f9a91');
INSERT INTO public.audit VALUES (8, 'e7', 1793491087000, '{"action":"call","actor":"acme","at":1793491087000,"details":{"from":"127.0.0.1","number":7,"outcome":"ok"},"id":"e7"}', '5a83315d4a9cf400358f7f1bcc45f73115d71d95b7dfcef37c1852d0207f9a91', '20bf62a8c44cec339837426d0ab7b6cf7beb04931f845c8c6a4a2a2be788142a');
INSERT INTO public.audit_marks VALUES ('anchor', 2, '51bacc2b3cfb253631b9904aac391e105ca90581cfc485a72656326377b241af');
INSERT INTO public.audit_marks VALUES ('head', 8, '20bf62a8c44cec339837426d0ab7b6cf7beb04931f845c8c6a4a2a2be788142a');
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
INSERT INTO public.calls VALUES ('c0', 'call-0', 1793491080000, NULL, 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 120.5, 900.25, 0, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c1', 'call-1', 1793491111000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 241, 1800.5, 1, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c2', 'call-2', 1793491142000, 'acme', 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 361.5, 2700.75, 0, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c3', 'call-3', 1793491173000, NULL, 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 482, 3601, 1, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c4', 'call-4', 1793491204000, 'acme', 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'local', 2, NULL, 200, 'end_turn', 602.5, 4501.25, 0, 'claude', 'local', 'timeout');
INSERT INTO public.calls VALUES ('c5', 'call-5', 1793491235000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', NULL, 2, 'overloaded', 529, 'end_turn', NULL, 5401.5, 1, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c6', 'call-6', 1793491266000, NULL, 'anthropic', 'generate', 'claude-haiku-4-5', 'claude-opus-5', 'claude', 2, 'cancelled', 200, 'end_turn', 843.5, 6301.75, 0, NULL, NULL, NULL);
INSERT INTO public.calls VALUES ('c7', 'call-7', 1793491297000, 'acme', 'anthropic', 'generate', 'claude-opus-5', 'claude-opus-5', 'claude', 2, NULL, 200, 'end_turn', 964, 7202, 1, NULL, NULL, NULL);
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
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793487600000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 2, 2, 0, 2012, 40, 6, 4, 2, 1000000007, 1, 1000000007, 1);
INSERT INTO public.usage_rollups VALUES (3600000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 2, 1, 0, 2012, 80, 6, 4, 2, 1000000007, 1, 1000000007, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491080000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491140000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1005, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 1, 0, 1005, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1007, 20, 3, 2, 1, 0, 0, 0, 1);
INSERT INTO public.usage_rollups VALUES (60000, 1793491260000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1007, 40, 3, 2, 1, 0, 0, 0, 1);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1000, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 0, 1000, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1002, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-haiku-4-5', 'acme', 'claude', 'retry', 1, 0, 0, 1002, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', 'primary', 1, 1, 0, 1003, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', '', 'claude', 'retry', 1, 0, 0, 1003, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', 'primary', 1, 1, 0, 1001, 20, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793404800000, 'claude-opus-5', 'acme', 'claude', 'retry', 1, 0, 0, 1001, 40, 3, 2, 1, 1000000007, 1, 1000000007, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'primary', 1, 1, 0, 1006, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', '', 'claude', 'retry', 1, 0, 1, 1006, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'claude', 'primary', 1, 1, 0, 1004, 20, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-haiku-4-5', 'acme', 'local', 'fallback', 1, 0, 0, 1004, 40, 3, 2, 1, 1000000007, 0, 0, 0);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'primary', 2, 2, 0, 2012, 40, 6, 4, 2, 1000000007, 1, 1000000007, 1);
INSERT INTO public.usage_rollups VALUES (86400000, 1793491200000, 'claude-opus-5', 'acme', 'claude', 'retry', 2, 1, 0, 2012, 80, 6, 4, 2, 1000000007, 1, 1000000007, 1);
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
ALTER TABLE ONLY public.fallback_rollups
    ADD CONSTRAINT fallback_rollups_key PRIMARY KEY (grain, at, from_target, to_target, reason);
ALTER TABLE ONLY public.latency_rollups
    ADD CONSTRAINT latency_rollups_key PRIMARY KEY (grain, at, model, target, measure, bucket);
ALTER TABLE ONLY public.ledger_version
    ADD CONSTRAINT ledger_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.usage_rollups
    ADD CONSTRAINT usage_rollups_key PRIMARY KEY (grain, at, model, tenant, target, role);
CREATE INDEX attempts_call_id ON public.attempts USING btree (call_id);
CREATE INDEX attempts_call_row ON public.attempts USING btree (call_row);
CREATE INDEX attempts_started_at ON public.attempts USING btree (started_at);
CREATE INDEX calls_call_id ON public.calls USING btree (call_id);
CREATE INDEX calls_call_id_bytes ON public.calls USING btree (call_id COLLATE "C");
CREATE INDEX calls_failure ON public.calls USING btree (failure, started_at, id COLLATE "C");
CREATE INDEX calls_model_asked ON public.calls USING btree (model_asked, started_at, id COLLATE "C");
CREATE INDEX calls_page ON public.calls USING btree (started_at, id COLLATE "C");
CREATE INDEX calls_target ON public.calls USING btree (target, started_at, id COLLATE "C");
CREATE INDEX calls_tenant ON public.calls USING btree (tenant, started_at, id COLLATE "C");
