BEGIN TRANSACTION;
CREATE TABLE change (
	mail_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	insertions INTEGER NOT NULL, 
	deletions INTEGER NOT NULL, 
	PRIMARY KEY (mail_id, place), 
	FOREIGN KEY(mail_id) REFERENCES mail (id)
);
INSERT INTO "change" VALUES(2,0,'arch/x86/kvm/mmu.c',1,1);
INSERT INTO "change" VALUES(3,0,'arch/x86/kvm/mmu.c',1,1);
INSERT INTO "change" VALUES(5,0,'arch/x86/kvm/mmu.c',1,1);
INSERT INTO "change" VALUES(7,0,'arch/x86/kvm/mmu.c',1,1);
CREATE TABLE delivery (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	platform VARCHAR NOT NULL, 
	room VARCHAR NOT NULL, 
	dialect VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try BIGINT NOT NULL, 
	remote_id VARCHAR, 
	error TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "delivery" VALUES(1,'f7ad3a1087dde35d356ff3b18feea82b16edf04bd2779da91fdc0da75698acbe','terminal','room','terminal','[1;36mKVM mailing list[0m  3 series, 4 patches, 1 reply from 4 people in 7 mails
[2m2025-11-03 12:00 to 2025-11-03 12:07 UTC[0m
[2mcommits 000000000000..2237b47e91f3[0m

[1;36mSeries[0m
  [1mWithout the word[0m
    RFC v2 · 1 patch · Jürgen · +1 −1 in 1 file
    [2mhttps://lore.kernel.org/all/m7@sample.example/[0m
  [1mCross-posted[0m
    v1 · 1 patch · Ana · +1 −1 in 1 file
    [2mhttps://lore.kernel.org/all/m5@sample.example/[0m
  [1mTeach the bot to remember[0m
    v1 · 2 patches · Bo · +2 −2 in 1 file
    [2mhttps://lore.kernel.org/all/m1@sample.example/[0m

[1;36mContributors[0m
     2  Bo [2m<bo@b.example>[0m
     1  Dee [2m<dee@d.example>[0m
     1  Ana [2m<ana@a.example>[0m

[1;36mDomains[0m
     2  b.example
     1  d.example
     1  a.example

[2m1 mail could be read only in part[0m
','sent',1,1762174800,'f7ad3a1087dde35d356ff3b18feea82b16edf04bd2779da91fdc0da75698acbe',NULL);
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	words TEXT NOT NULL, 
	sender_id INTEGER NOT NULL, 
	author_id INTEGER NOT NULL, 
	received BIGINT NOT NULL, 
	date BIGINT, 
	in_reply_to TEXT NOT NULL, 
	"references" TEXT NOT NULL, 
	archived_as TEXT NOT NULL, 
	defects TEXT NOT NULL, 
	is_patch BOOLEAN NOT NULL, 
	posting TEXT, 
	log TEXT, 
	stated_files INTEGER, 
	stated_insertions INTEGER, 
	stated_deletions INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (message_id), 
	FOREIGN KEY(sender_id) REFERENCES person (id), 
	FOREIGN KEY(author_id) REFERENCES person (id)
);
INSERT INTO "mail" VALUES(1,'m1@sample.example','[PATCH 0/2] Teach the bot to remember',' teach the bot to remember ',1,1,1762171200,1762171200,'','','Ana <ana@a.example>','',1,'bo@b.example 1 0 2 False','Text.',NULL,NULL,NULL);
INSERT INTO "mail" VALUES(2,'m2@sample.example','[PATCH 1/2] kvm: Remember mails',' kvm remember mails ',1,1,1762171260,1762171200,'m1@sample.example','','Ana <ana@a.example>','',1,'bo@b.example 1 0 2 False','Say why.

Reviewed-by: Cy <cy@c.example>
---
 arch/x86/kvm/mmu.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)',1,1,1);
INSERT INTO "mail" VALUES(3,'m3@sample.example','[PATCH 2/2] kvm: Remember people',' kvm remember people ',1,2,1762171320,1762171200,'m1@sample.example','','Ana <ana@a.example>','',1,'bo@b.example 1 0 2 False','
Say why.

Reviewed-by: Cy <cy@c.example>
---
 arch/x86/kvm/mmu.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)',1,1,1);
INSERT INTO "mail" VALUES(4,'m4@sample.example','Re: [PATCH 1/2] kvm: Remember mails','',3,3,1762171380,1762171200,'m2@sample.example','','Ana <ana@a.example>','',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "mail" VALUES(5,'m5@sample.example','[PATCH] Cross-posted',' cross posted ',3,3,1762171470,1762171200,'','','Ana <ana@a.example>','',1,'ana@a.example 1 0 0 False','Say why.

Reviewed-by: Cy <cy@c.example>
---
 arch/x86/kvm/mmu.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)',1,1,1);
INSERT INTO "mail" VALUES(6,'m6@sample.example','No headers to speak of','',3,3,1762171560,NULL,'','','Ana <ana@a.example>','no readable Date',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "mail" VALUES(7,'m7@sample.example','[RFC v2] Without the word',' without the word ',4,4,1762171620,1762171200,'','','Ana <ana@a.example>','',1,'j@e.example 2 0 0 False','Say why.

Reviewed-by: Cy <cy@c.example>
---
 arch/x86/kvm/mmu.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)',1,1,1);
INSERT INTO "mail" VALUES(8,'m8@sample.example','Hello','',3,3,1762171260,1762171200,'','','Ana <ana@a.example>','',0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE mailing_list (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "mailing_list" VALUES(1,'kvm');
INSERT INTO "mailing_list" VALUES(2,'coco');
CREATE TABLE mark (
	list_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	"commit" VARCHAR NOT NULL, 
	PRIMARY KEY (list_id, epoch), 
	FOREIGN KEY(list_id) REFERENCES mailing_list (id)
);
INSERT INTO "mark" VALUES(1,0,'2237b47e91f376e63d814573a95acec76ebec864');
INSERT INTO "mark" VALUES(2,0,'b5665645794dadc983d086075897d70dbc0481bf');
CREATE TABLE person (
	id INTEGER NOT NULL, 
	written TEXT NOT NULL, 
	name TEXT NOT NULL, 
	address TEXT NOT NULL, 
	mailbox TEXT NOT NULL, 
	words TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (written, name, address)
);
INSERT INTO "person" VALUES(1,'Bo <bo@b.example>','Bo','bo@b.example','bo@b.example',' bo bo b example ');
INSERT INTO "person" VALUES(2,'Dee <dee@d.example>','Dee','dee@d.example','dee@d.example',' dee dee d example ');
INSERT INTO "person" VALUES(3,'Ana <ana@a.example>','Ana','ana@a.example','ana@a.example',' ana ana a example ');
INSERT INTO "person" VALUES(4,'Jürgen <J@E.example>','Jürgen','J@E.example','j@e.example',' jürgen j e example ');
CREATE TABLE progress (
	subscription VARCHAR NOT NULL, 
	upto INTEGER NOT NULL, 
	slot BIGINT NOT NULL, 
	PRIMARY KEY (subscription)
);
INSERT INTO "progress" VALUES('terminal/room/kvm',7,1762174800);
CREATE TABLE seen (
	id INTEGER NOT NULL, 
	list_id INTEGER NOT NULL, 
	mail_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	"commit" VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (list_id, mail_id), 
	FOREIGN KEY(list_id) REFERENCES mailing_list (id), 
	FOREIGN KEY(mail_id) REFERENCES mail (id)
);
INSERT INTO "seen" VALUES(1,1,1,0,'e3de0a8b72cf6903da0a646ef36c33c154833259');
INSERT INTO "seen" VALUES(2,1,2,0,'8f3ae79f1b24c560aa3d2e50f29763109c056a31');
INSERT INTO "seen" VALUES(3,1,3,0,'98963b8e7fefb1701945a6dc6971fad5ec1b31dd');
INSERT INTO "seen" VALUES(4,1,4,0,'f17f63e0256745db3a11933bb7a12d2ef21d3808');
INSERT INTO "seen" VALUES(5,1,5,0,'2753c21b653f30c785241397e8ae98ef71250b75');
INSERT INTO "seen" VALUES(6,1,6,0,'ff571dbf7a6c78ae3e65896574247a6d4e8e1df2');
INSERT INTO "seen" VALUES(7,1,7,0,'2237b47e91f376e63d814573a95acec76ebec864');
INSERT INTO "seen" VALUES(8,2,5,0,'a0170cee57024469bd33e66b678ad385a00bd203');
INSERT INTO "seen" VALUES(9,2,8,0,'b5665645794dadc983d086075897d70dbc0481bf');
CREATE TABLE tag (
	mail_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (mail_id, place), 
	FOREIGN KEY(mail_id) REFERENCES mail (id)
);
INSERT INTO "tag" VALUES(2,0,'Reviewed-by','Cy <cy@c.example>');
INSERT INTO "tag" VALUES(3,0,'Reviewed-by','Cy <cy@c.example>');
INSERT INTO "tag" VALUES(4,0,'Acked-by','Ana <ana@a.example>');
INSERT INTO "tag" VALUES(5,0,'Reviewed-by','Cy <cy@c.example>');
INSERT INTO "tag" VALUES(7,0,'Reviewed-by','Cy <cy@c.example>');
CREATE INDEX ix_person_mailbox ON person (mailbox);
CREATE INDEX delivery_by_state ON delivery (state, id);
CREATE INDEX ix_mail_posting ON mail (posting);
CREATE INDEX ix_mail_sender_id ON mail (sender_id);
CREATE INDEX ix_mail_author_id ON mail (author_id);
CREATE INDEX ix_mail_in_reply_to ON mail (in_reply_to);
CREATE INDEX seen_by_list ON seen (list_id, id);
CREATE INDEX ix_seen_mail_id ON seen (mail_id);
COMMIT;
