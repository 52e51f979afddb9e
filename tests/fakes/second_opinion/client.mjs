// A person's client as Element has it: matrix-js-sdk, its Rust crypto, and no device trusted that its owner did not sign.
//
//     node client.mjs HOMESERVER USER PASSWORD
//
// It prints {"said": DEVICE} when it is ready; then each line on its standard input asks, {"do": NAME, ...}, and each line
// that it prints answers, {"said": ...} or {"failed": WHY}. It keeps nothing: whoever starts it again has a new device,
// which the account's signing keys, out of its secret storage, sign as they signed the first.

import { createInterface } from "node:readline";
import { ClientEvent, createClient, EventType, MsgType, SyncState } from "matrix-js-sdk";
import { EventShieldColour, OnlySignedDevicesIsolationMode } from "matrix-js-sdk/lib/crypto-api/index.js";

const PASSPHRASE = new Uint8Array(32).fill(7); // opens the account's secret storage; what a person writes down
const ENCRYPTED = { type: EventType.RoomEncryption, state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

// What it logs is not what it answers.
globalThis.console = new console.Console(process.stderr);

const [baseUrl, user, password] = process.argv.slice(2);
const identity = { type: "m.login.password", identifier: { type: "m.id.user", user }, password };

async function logIn() {
    const login = await createClient({ baseUrl }).loginRequest(identity);
    const client = createClient({
        baseUrl,
        userId: user,
        deviceId: login.device_id,
        accessToken: login.access_token,
        cryptoCallbacks: { getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], PASSPHRASE] },
    });
    await client.initRustCrypto({ useIndexedDB: false });
    const crypto = client.getCrypto();
    crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
    await client.startClient({ initialSyncLimit: 500 });
    await new Promise((resolve) => {
        client.on(ClientEvent.Sync, (state) => state === SyncState.Prepared && resolve());
    });
    await crypto.userHasCrossSigningKeys(user, true); // asks the homeserver, or those of an older device are not known
    await crypto.bootstrapCrossSigning({
        authUploadDeviceSigningKeys: (upload) => upload(null).catch(({ data }) => upload({ ...identity, session: data.session })),
    });
    if (!(await crypto.isSecretStorageReady())) {
        await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => ({ privateKey: PASSPHRASE }) });
    }
    return client;
}

const client = await logIn();
const crypto = client.getCrypto();

async function shown(event) {
    await event.getDecryptionPromise();
    const found = await crypto.getEncryptionInfoForEvent(event);
    const content = event.getContent();
    return {
        id: event.getId(),
        sender: event.getSender(),
        body: content.body ?? "",
        html: content.formatted_body ?? "",
        thread: event.threadRootId ?? "",
        shield: found ? EventShieldColour[found.shieldColour] : "", // without any it came in clear, or cannot be read
        failure: event.decryptionFailureReason ?? "",
    };
}

const answers = {
    make_room: async ({ guest }) => {
        const made = await client.createRoom({ preset: "private_chat", invite: [guest], initial_state: [ENCRYPTED] });
        return made.room_id;
    },
    say: async ({ room, text }) => (await client.sendMessage(room, { msgtype: MsgType.Text, body: text })).event_id,
    heard: async ({ room }) => {
        const events = client.getRoom(room)?.getLiveTimeline().getEvents() ?? [];
        const messages = events.filter((event) => [EventType.RoomMessage, EventType.RoomMessageEncrypted].includes(event.getType()));
        return Promise.all(messages.map(shown));
    },
    signed: async ({ user, device }) => {
        await crypto.getUserDeviceInfo([user], true);
        return (await crypto.getDeviceVerificationStatus(user, device))?.signedByOwner ?? null;
    },
};

const tell = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
tell({ said: client.getDeviceId() });
for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...asked } = JSON.parse(line);
    try {
        tell({ said: await answers[name](asked) });
    } catch (error) {
        tell({ failed: String(error) });
    }
}
process.exit(); // its timers would go on
