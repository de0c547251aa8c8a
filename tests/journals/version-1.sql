-- A journal of version 1, as the program wrote it then: one run that has finished, and one that was interrupted.
PRAGMA application_id = 0x6E617272;
PRAGMA user_version = 1;
CREATE TABLE holders (holder TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE runs (
            seq INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, begun BLOB NOT NULL, owner TEXT, holder TEXT,
            stopping TEXT, watched INTEGER NOT NULL DEFAULT 0, ended REAL, expired INTEGER NOT NULL DEFAULT 0,
            first INTEGER NOT NULL DEFAULT 1, last INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0);
CREATE TABLE keys (
            owner TEXT NOT NULL, pipeline TEXT NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL, asked TEXT NOT NULL,
            PRIMARY KEY (owner, pipeline, key)) WITHOUT ROWID;
CREATE TABLE events (seq INTEGER, n INTEGER, line BLOB NOT NULL, PRIMARY KEY (seq, n)) WITHOUT ROWID;
CREATE TABLE kept (
            place INTEGER PRIMARY KEY, seq INTEGER NOT NULL, path TEXT NOT NULL, value BLOB, facts BLOB NOT NULL);
CREATE TABLE deliveries (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, url TEXT NOT NULL,
            state TEXT NOT NULL, attempts INTEGER NOT NULL, due REAL, last TEXT);
CREATE INDEX runs_unfinished ON runs (holder) WHERE ended IS NULL;
CREATE INDEX runs_ended ON runs (ended) WHERE ended IS NOT NULL;
CREATE INDEX runs_of ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX keys_of ON keys (run);
CREATE INDEX kept_of ON kept (seq);
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_of ON deliveries (run);
INSERT INTO runs VALUES (1, 'finished-run', CAST('{"run":"finished-run","pipeline":"p","began":1795252860.348057,"owner":"me","key":"k","asked":"this","plan":"945af38c0cf14f5b19ba9c96572ed7ad","given":null,"caller":{"ip":null,"locale":null,"headers":{}}}' AS BLOB), 'me', NULL, NULL, 0, 1795252860.3526828, 0, 1, 11, 987);
INSERT INTO runs VALUES (2, 'interrupted-run', CAST('{"run":"interrupted-run","pipeline":"p","began":1795252860.3628333,"owner":null,"key":null,"asked":"","plan":"945af38c0cf14f5b19ba9c96572ed7ad","given":"bnVsbA==","caller":{"ip":"192.0.2.7","locale":null,"headers":{}}}' AS BLOB), NULL, NULL, NULL, 0, NULL, 0, 1, 6, 597);
INSERT INTO keys VALUES ('=me', 'p', 'k', 'finished-run', 'this');
INSERT INTO events VALUES (1, 1, CAST('{"type":"run.started","run":"finished-run","pipeline":"p","title":"p","outline":[{"kind":"step","step":"ask","title":"Asking"},{"kind":"step","step":"wait","title":"Waiting"},{"kind":"step","step":"answer","title":"Answering …"}],"n":1,"t":0.0}' AS BLOB));
INSERT INTO events VALUES (1, 2, CAST('{"type":"step.started","step":"ask","title":"Asking","n":2,"t":0.0002}' AS BLOB));
INSERT INTO events VALUES (1, 3, CAST('{"type":"message","step":"ask","text":"I ask.","n":3,"t":0.0013}' AS BLOB));
INSERT INTO events VALUES (1, 4, CAST('{"type":"step.finished","step":"ask","seconds":0.0011,"n":4,"t":0.0013}' AS BLOB));
INSERT INTO events VALUES (1, 5, CAST('{"type":"step.started","step":"wait","title":"Waiting","n":5,"t":0.0014}' AS BLOB));
INSERT INTO events VALUES (1, 6, CAST('{"type":"message","step":"wait","text":"I wait.","n":6,"t":0.0021}' AS BLOB));
INSERT INTO events VALUES (1, 7, CAST('{"type":"message","step":"wait","text":"I have waited.","n":7,"t":0.0021}' AS BLOB));
INSERT INTO events VALUES (1, 8, CAST('{"type":"step.finished","step":"wait","seconds":0.0007,"n":8,"t":0.0021}' AS BLOB));
INSERT INTO events VALUES (1, 9, CAST('{"type":"step.started","step":"answer","title":"Answering 21","n":9,"t":0.0022}' AS BLOB));
INSERT INTO events VALUES (1, 10, CAST('{"type":"step.finished","step":"answer","seconds":0.0009,"text":"It is 42.","n":10,"t":0.0031}' AS BLOB));
INSERT INTO events VALUES (1, 11, CAST('{"type":"run.finished","result":42,"seconds":0.0032,"n":11,"t":0.0032}' AS BLOB));
INSERT INTO events VALUES (2, 1, CAST('{"type":"run.started","run":"interrupted-run","pipeline":"p","title":"p","outline":[{"kind":"step","step":"ask","title":"Asking"},{"kind":"step","step":"wait","title":"Waiting"},{"kind":"step","step":"answer","title":"Answering …"}],"n":1,"t":0.0}' AS BLOB));
INSERT INTO events VALUES (2, 2, CAST('{"type":"step.started","step":"ask","title":"Asking","n":2,"t":0.0001}' AS BLOB));
INSERT INTO events VALUES (2, 3, CAST('{"type":"message","step":"ask","text":"I ask.","n":3,"t":0.001}' AS BLOB));
INSERT INTO events VALUES (2, 4, CAST('{"type":"step.finished","step":"ask","seconds":0.0009,"n":4,"t":0.001}' AS BLOB));
INSERT INTO events VALUES (2, 5, CAST('{"type":"step.started","step":"wait","title":"Waiting","n":5,"t":0.0011}' AS BLOB));
INSERT INTO events VALUES (2, 6, CAST('{"type":"message","step":"wait","text":"I wait.","n":6,"t":0.0018}' AS BLOB));
INSERT INTO kept VALUES (1, 2, 'ask', CAST('20' AS BLOB), CAST('' AS BLOB));
INSERT INTO deliveries VALUES (1, 'msg_1', 'finished-run', 'https://example.org/', 'due', 0, 1795252860.3526828, NULL);
