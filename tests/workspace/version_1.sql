BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE artifacts (
	id VARCHAR(24) NOT NULL, 
	run_id VARCHAR(24) NOT NULL, 
	type VARCHAR(64) NOT NULL, 
	file_name TEXT NOT NULL, 
	path TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_artifacts PRIMARY KEY (id), 
	CONSTRAINT fk_artifacts_run_id FOREIGN KEY(run_id) REFERENCES compute_runs (id) ON DELETE CASCADE
);
INSERT INTO "artifacts" VALUES('6b033e7c613438905fd9769a','6b033e7cf39675a6c0596be3','LOG','log.txt','/runs/1/log.txt',1795374716643);
CREATE TABLE compute_runs (
	id VARCHAR(24) NOT NULL, 
	dataset_id VARCHAR(24) NOT NULL, 
	scheduled_run_id VARCHAR(24), 
	worker_id VARCHAR(24), 
	owner_id VARCHAR(24) NOT NULL, 
	state VARCHAR(64) NOT NULL, 
	message TEXT, 
	run_folder TEXT, 
	process JSON, 
	abort_requested BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_modified_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_compute_runs PRIMARY KEY (id), 
	CONSTRAINT fk_compute_runs_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE, 
	CONSTRAINT fk_compute_runs_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT fk_compute_runs_scheduled_run_id FOREIGN KEY(scheduled_run_id) REFERENCES scheduled_runs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_compute_runs_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id) ON DELETE SET NULL, 
	CONSTRAINT uq_compute_runs_scheduled_run_id UNIQUE (scheduled_run_id)
);
INSERT INTO "compute_runs" VALUES('6b033e7cf39675a6c0596be3','6b033e7cacecdaf5466b39c8','6b033e7c64f35f6541475ffd',NULL,'6b033e7c1ea79bc15b1885f8','COMPLETED','done',NULL,NULL,0,1795374716643,1795374716643,NULL);
CREATE TABLE datasets (
	id VARCHAR(24) NOT NULL, 
	name VARCHAR(254) NOT NULL, 
	type VARCHAR(32) NOT NULL, 
	owner_id VARCHAR(24) NOT NULL, 
	parent_id VARCHAR(24), 
	crop_info JSON, 
	created_at BIGINT NOT NULL, 
	last_modified_at BIGINT NOT NULL, 
	CONSTRAINT pk_datasets PRIMARY KEY (id), 
	CONSTRAINT fk_datasets_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT fk_datasets_parent_id FOREIGN KEY(parent_id) REFERENCES datasets (id) ON DELETE SET NULL, 
	CONSTRAINT uq_datasets_owner_id_name UNIQUE (owner_id, name)
);
INSERT INTO "datasets" VALUES('6b033e7cacecdaf5466b39c8','photos','Images','6b033e7c1ea79bc15b1885f8',NULL,NULL,1795374716623,1795374716650);
CREATE TABLE datasource_configs (
	dataset_id VARCHAR(24) NOT NULL, 
	purpose VARCHAR(32) NOT NULL, 
	id VARCHAR(24) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	settings JSON NOT NULL, 
	secrets_encrypted BLOB, 
	last_processed JSON, 
	CONSTRAINT pk_datasource_configs PRIMARY KEY (dataset_id, purpose), 
	CONSTRAINT fk_datasource_configs_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE, 
	CONSTRAINT uq_datasource_configs_id UNIQUE (id)
);
INSERT INTO "datasource_configs" VALUES('6b033e7cacecdaf5466b39c8','INPUT','6b033e7c81d260fcdcb85313','S3','{"thumbnail_suffix": ".lightly/thumbnails/[filename]_thumb.[extension]", "resource_path": "s3://photos/2024", "region": "eu-central-1"}',X'646530646236333865633332333930643A6741414141414272417A353835624E446C6E496B4133744E6A63483958656B3767556E515A63325364387063466A615F754F5A6A5342655631584C6D446B7364476C455F5969354B46745653736F4A394D6348617373424E6376743153696371796A6C68464864785248646F445F5566584C577350483570486F46634E69563174565138726E3236726864355771485942714230774A6F56423745457465714770673D3D',NULL);
CREATE TABLE run_state_changes (
	run_id VARCHAR(24) NOT NULL, 
	number BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	state VARCHAR(64) NOT NULL, 
	message TEXT, 
	CONSTRAINT pk_run_state_changes PRIMARY KEY (run_id, number), 
	CONSTRAINT fk_run_state_changes_run_id FOREIGN KEY(run_id) REFERENCES compute_runs (id) ON DELETE CASCADE
);
INSERT INTO "run_state_changes" VALUES('6b033e7cf39675a6c0596be3',0,1795374716644,'COMPLETED','done');
CREATE TABLE samples (
	dataset_id VARCHAR(24) NOT NULL, 
	number BIGINT NOT NULL, 
	filename TEXT NOT NULL, 
	meta JSON, 
	CONSTRAINT pk_samples PRIMARY KEY (dataset_id, number), 
	CONSTRAINT fk_samples_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE, 
	CONSTRAINT uq_samples_dataset_id_filename UNIQUE (dataset_id, filename)
);
INSERT INTO "samples" VALUES('6b033e7cacecdaf5466b39c8',0,'1.jpg','{"lightly.sharpness": 1.5}');
INSERT INTO "samples" VALUES('6b033e7cacecdaf5466b39c8',1,'2.jpg',NULL);
INSERT INTO "samples" VALUES('6b033e7cacecdaf5466b39c8',2,'été/3.jpg',NULL);
CREATE TABLE scheduled_runs (
	id VARCHAR(24) NOT NULL, 
	dataset_id VARCHAR(24) NOT NULL, 
	owner_id VARCHAR(24) NOT NULL, 
	creator VARCHAR(32) NOT NULL, 
	priority BIGINT NOT NULL, 
	runs_on JSON NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	worker_id VARCHAR(24), 
	lock_token VARCHAR(64), 
	locked_until BIGINT, 
	worker_config JSON NOT NULL, 
	lightly_config JSON NOT NULL, 
	selection_config JSON NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_modified_at BIGINT NOT NULL, 
	CONSTRAINT pk_scheduled_runs PRIMARY KEY (id), 
	CONSTRAINT fk_scheduled_runs_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE, 
	CONSTRAINT fk_scheduled_runs_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT fk_scheduled_runs_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id) ON DELETE SET NULL
);
INSERT INTO "scheduled_runs" VALUES('6b033e7c64f35f6541475ffd','6b033e7cacecdaf5466b39c8','6b033e7c1ea79bc15b1885f8','USER_PIP',1,'["gpu"]','DONE','6b033e7c438b2d46e899f5b3',NULL,NULL,'{}','{}','{"n_samples": 2}',1795374716642,1795374716642);
CREATE TABLE shares (
	dataset_id VARCHAR(24) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	CONSTRAINT pk_shares PRIMARY KEY (dataset_id, email), 
	CONSTRAINT fk_shares_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE
);
INSERT INTO "shares" VALUES('6b033e7cacecdaf5466b39c8','bob@example.com');
CREATE TABLE tags (
	id VARCHAR(24) NOT NULL, 
	dataset_id VARCHAR(24) NOT NULL, 
	name VARCHAR(254) NOT NULL, 
	prev_tag_id VARCHAR(24), 
	run_id VARCHAR(24), 
	total BIGINT NOT NULL, 
	members BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_tags PRIMARY KEY (id), 
	CONSTRAINT fk_tags_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (id) ON DELETE CASCADE, 
	CONSTRAINT fk_tags_prev_tag_id FOREIGN KEY(prev_tag_id) REFERENCES tags (id) ON DELETE NO ACTION, 
	CONSTRAINT fk_tags_run_id FOREIGN KEY(run_id) REFERENCES compute_runs (id) ON DELETE SET NULL, 
	CONSTRAINT uq_tags_dataset_id_name UNIQUE (dataset_id, name)
);
INSERT INTO "tags" VALUES('6b033e7c657d9b0b887028db','6b033e7cacecdaf5466b39c8','initial-tag',NULL,'6b033e7cf39675a6c0596be3',3,X'000000000100000002000000',1795374716647);
INSERT INTO "tags" VALUES('6b033e7c8605b36f1ae77be0','6b033e7cacecdaf5466b39c8','best','6b033e7c657d9b0b887028db',NULL,2,X'0200000000000000',1795374716650);
CREATE TABLE users (
	id VARCHAR(24) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	token_hash VARCHAR(64), 
	login VARCHAR(254), 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_email UNIQUE (email), 
	CONSTRAINT uq_users_login UNIQUE (login), 
	CONSTRAINT uq_users_token_hash UNIQUE (token_hash)
);
INSERT INTO "users" VALUES('6b033e7c1ea79bc15b1885f8','ada@example.com','65474336f293caa9edd51e900527761a6d3d508dfdda8d2fdf29d48bbff875d3','root',1795374716620);
INSERT INTO "users" VALUES('6b033e7ce1b6dfbed4779d14','bob@example.com','cba46daddb71398ee6f44b78ba711f0f957d1b4fe138063cac737a87b8c450f0',NULL,1795374716622);
CREATE TABLE workers (
	id VARCHAR(24) NOT NULL, 
	name VARCHAR(254) NOT NULL, 
	owner_id VARCHAR(24) NOT NULL, 
	labels JSON NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	process JSON, 
	created_at BIGINT NOT NULL, 
	last_modified_at BIGINT NOT NULL, 
	last_seen_at BIGINT, 
	CONSTRAINT pk_workers PRIMARY KEY (id), 
	CONSTRAINT fk_workers_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE RESTRICT, 
	CONSTRAINT uq_workers_owner_id_name UNIQUE (owner_id, name)
);
INSERT INTO "workers" VALUES('6b033e7c438b2d46e899f5b3','desk','6b033e7c1ea79bc15b1885f8','["gpu"]','OFFLINE',NULL,1795374716641,1795374716641,NULL);
CREATE INDEX ix_datasets_parent_id ON datasets (parent_id);
CREATE INDEX ix_scheduled_runs_dataset_id ON scheduled_runs (dataset_id);
CREATE INDEX ix_scheduled_runs_state_priority_created_at ON scheduled_runs (state, priority, created_at);
CREATE INDEX ix_shares_email ON shares (email);
CREATE INDEX ix_compute_runs_dataset_id ON compute_runs (dataset_id);
CREATE INDEX ix_artifacts_run_id ON artifacts (run_id);
CREATE INDEX ix_tags_prev_tag_id ON tags (prev_tag_id);
COMMIT;
