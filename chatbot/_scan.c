/* What costs most in reading a mail, for plain mails: ASCII, and written as programs write.
 *
 * Law of the file: it says nothing that the Python beside it would not say. Each function is the plain case of a
 * function of chatbot/mail (the last one of chatbot/sources), which its comment names; whatever is not plain it declines
 * with None, and then that one does the work. Nothing here is needed: without a compiler, everything is declined (see
 * scan.py).
 *
 * Nothing recurses; each byte is looked at a bounded number of times; every index is checked against an end.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdbool.h>
#include <string.h>

/* A piece of a text: from `at` up to, and without, `end`. */
typedef struct {
    const char *at;
    const char *end;
} Piece;

static Py_ssize_t length(Piece piece) { return piece.end - piece.at; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* What str.isspace says of ASCII. */
static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

/* Whether a piece begins so. */
static bool begins(Piece piece, const char *word, Py_ssize_t size) {
    return length(piece) >= size && memcmp(piece.at, word, (size_t)size) == 0;
}
#define BEGINS(piece, word) begins(piece, word, (Py_ssize_t)sizeof(word) - 1)

/* The same, whatever the case; `word` is in lower case. */
static bool begins_as(Piece piece, const char *word, Py_ssize_t size) {
    if (length(piece) < size)
        return false;
    for (Py_ssize_t i = 0; i < size; i++)
        if (lower(piece.at[i]) != word[i])
            return false;
    return true;
}

/* Where the line ends that `at` is in: its newline, or the end. */
static const char *line_end(const char *at, const char *end) {
    const char *found = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return found ? found : end;
}

/* The newline before the next line that begins so, behind the line that `at` is in; or the end. */
static const char *end_before(const char *at, const char *end, const char *beginning, Py_ssize_t size) {
    do
        at = line_end(at, end);
    while (at < end && !begins((Piece){++at, end}, beginning, size));
    return at < end ? at - 1 : end;
}

static Piece stripped(Piece piece) {
    while (piece.at < piece.end && is_space(*piece.at))
        piece.at++;
    while (piece.at < piece.end && is_space(piece.end[-1]))
        piece.end--;
    return piece;
}

/* Where letters end, of which there are at least so many, and at most 20; NULL otherwise. */
static const char *letters_end(const char *at, const char *end, int least) {
    const char *from = at;
    while (at < end && is_letter(*at))
        at++;
    return at - from >= least && at - from <= 20 ? at : NULL;
}

static PyObject *decline(void) { Py_RETURN_NONE; }

static bool bytes_of(PyObject *object, Piece *piece) {
    char *at;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(object, &at, &size) < 0)
        return false;
    *piece = (Piece){at, at + size};
    return true;
}

/* A text in UTF-8, and whether it is ASCII. There is none where it has a surrogate, or with an error. */
static bool ascii_of(PyObject *text, Piece *piece) {
    Py_ssize_t size, characters = PyUnicode_GetLength(text);
    const char *at = characters < 0 ? NULL : PyUnicode_AsUTF8AndSize(text, &size);
    *piece = (Piece){at, at ? at + size : NULL};
    if (at == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        PyErr_Clear();
    return at && size == characters;
}

/* Whether white space begins here that is not ASCII, as str.isspace knows it: U+0085, U+00A0, U+1680, U+2000 to U+200A,
 * U+2028, U+2029, U+202F, U+205F, U+3000.
 */
static bool is_wide_space(Piece rest) {
    if (length(rest) < 3)
        return true; /* perhaps: too near the end to tell */
    unsigned char second = (unsigned char)rest.at[1], third = (unsigned char)rest.at[2];
    switch ((unsigned char)*rest.at) {
    case 0xc2:
        return second == 0x85 || second == 0xa0;
    case 0xe1:
        return second == 0x9a && third == 0x80;
    case 0xe2:
        return (second == 0x80 && (third <= 0x8a || third == 0xa8 || third == 0xa9 || third == 0xaf)) ||
               (second == 0x81 && third == 0x9f);
    case 0xe3:
        return second == 0x80 && third == 0x80;
    default:
        return false;
    }
}

/* The same of any text in UTF-8 that has no white space beyond ASCII, and no line so long that it would matter whether
 * characters are counted or bytes.
 */
static bool utf8_of(PyObject *text, Piece *piece) {
    enum { LONGEST = 300 };
    if (ascii_of(text, piece))
        return true;
    if (PyErr_Occurred() || piece->at == NULL)
        return false;
    for (const char *line = piece->at; line < piece->end; line++) {
        const char *end = line_end(line, piece->end);
        if (end - line > LONGEST)
            return false;
        for (; line < end; line++)
            if (*line & 0x80 && is_wide_space((Piece){line, piece->end}))
                return false;
    }
    return true;
}

/* None, unless there is an error to be raised. */
static PyObject *not_plain(void) { return PyErr_Occurred() ? NULL : decline(); }

static PyObject *text_of(Piece piece) { return PyUnicode_DecodeUTF8(piece.at, length(piece), "strict"); }

/* ---- header fields: read_fields and newest_stamp of mail/message.py ------------------------------------------- */

#define FIELD(name) {name, sizeof name - 1}
static const struct {
    const char *name;
    Py_ssize_t size;
} FIELDS[] = {
    FIELD("message-id"),   FIELD("subject"),
    FIELD("from"),         FIELD("date"),
    FIELD("in-reply-to"),  FIELD("references"),
    FIELD("content-type"), FIELD("content-transfer-encoding"),
    FIELD("received"),
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

/* Whether it begins with a field, or with the line that separates mails in a mailbox. */
static bool begins_with_field(Piece data) {
    const char *at = data.at;
    while (at < data.end && *at > ' ' && *at <= '~' && *at != ':' && at - data.at <= 200)
        at++;
    const char *name_end = at;
    while (at < data.end && is_blank(*at) && at - name_end <= 20)
        at++;
    if (name_end > data.at && name_end - data.at <= 200 && at - name_end <= 20 && at < data.end && *at == ':')
        return true;
    return BEGINS(data, "From ") || BEGINS(data, ">From ");
}

/* Which of FIELDS a line begins with, and its value, with the lines that go on with it; -1 for none of them. */
static int field_at(Piece rest, Piece *value) {
    char first = lower(*rest.at);
    for (int which = 0; which < FIELD_COUNT; which++) {
        if (first != *FIELDS[which].name || !begins_as(rest, FIELDS[which].name, FIELDS[which].size))
            continue;
        const char *at = rest.at + FIELDS[which].size;
        while (at < rest.end && is_blank(*at))
            at++;
        if (at == rest.end || *at != ':')
            continue;
        const char *end = line_end(++at, rest.end);
        while (rest.end - end > 1 && is_blank(end[1]))
            end = line_end(end + 1, rest.end);
        *value = (Piece){at, end};
        return which;
    }
    return -1;
}

PyDoc_STRVAR(fields_doc,
             "fields(data, limit, /)\n--\n\n"
             "The raw values of message-id, subject, from, date, in-reply-to, references, content-type,\n"
             "content-transfer-encoding and received, each as it comes first, by name; and the body.\n"
             "None where the headers are longer than limit, or begin with none.");

static PyObject *fields(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count) {
    Piece data, value;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "fields takes the mail and the limit");
        return NULL;
    }
    if (!bytes_of(arguments[0], &data))
        return NULL;
    Py_ssize_t limit = PyLong_AsSsize_t(arguments[1]);
    if (limit == -1 && PyErr_Occurred())
        return NULL;
    if (!begins_with_field(data))
        return decline();
    Piece found[FIELD_COUNT] = {{NULL, NULL}};
    const char *at = data.at, *body = data.end;
    while (at < data.end) {
        if (*at == '\n' || BEGINS(((Piece){at, data.end}), "\r\n")) {
            body = line_end(at, data.end) + 1;
            break;
        }
        int which = field_at((Piece){at, data.end}, &value);
        if (which >= 0 && !found[which].at)
            found[which] = value;
        at = line_end(which >= 0 ? value.end : at, data.end) + 1;
    }
    if (body - data.at > limit)
        return decline();
    PyObject *named = PyDict_New();
    for (int which = 0; named && which < FIELD_COUNT; which++) {
        if (found[which].at == NULL)
            continue;
        PyObject *name = PyBytes_FromStringAndSize(FIELDS[which].name, FIELDS[which].size);
        PyObject *raw = PyBytes_FromStringAndSize(found[which].at, length(found[which]));
        if (name == NULL || raw == NULL || PyDict_SetItem(named, name, raw) < 0)
            Py_CLEAR(named);
        Py_XDECREF(name);
        Py_XDECREF(raw);
    }
    return named ? Py_BuildValue("(Ny#)", named, body, data.end - body) : NULL;
}

PyDoc_STRVAR(ids_doc, "ids(value, /)\n--\n\nThe Message-IDs in a field's raw value, without their brackets: "
                      "_ids of mail/message.py.");

static PyObject *ids(PyObject *Py_UNUSED(module), PyObject *argument) {
    enum { LONGEST = 998 };
    Piece value;
    if (!bytes_of(argument, &value))
        return NULL;
    for (const char *at = value.at; at < value.end; at++)
        if (!((*at >= ' ' && *at <= '~') || *at == '\t' || *at == '\r' || *at == '\n') ||
            (*at == '=' && value.end - at > 1 && at[1] == '?'))
            return decline();
    PyObject *found = PyList_New(0);
    const char *at = value.at;
    while (found && at < value.end && (at = memchr(at, '<', (size_t)(value.end - at)))) {
        const char *end = ++at;
        while (end < value.end && *end > ' ' && *end != '<' && *end != '>')
            end++;
        if (end == value.end || *end != '>' || end == at || end - at > LONGEST)
            continue;
        PyObject *id = text_of((Piece){at, end});
        if (id == NULL || PyList_Append(found, id) < 0)
            Py_CLEAR(found);
        Py_XDECREF(id);
        at = end;
    }
    PyObject *answer = found ? PyList_AsTuple(found) : NULL;
    Py_XDECREF(found);
    return answer;
}

/* ---- dates: parse_date of mail/header.py ---------------------------------------------------------------------- */

/* So many digits as a number; -1 where there are others. */
static int number(Piece *rest, int digits) {
    if (length(*rest) < digits)
        return -1;
    int found = 0;
    for (int i = 0; i < digits; i++, rest->at++) {
        if (!is_digit(*rest->at))
            return -1;
        found = found * 10 + (*rest->at - '0');
    }
    return found;
}

static bool skip(Piece *rest, char c) {
    bool there = rest->at < rest->end && *rest->at == c;
    rest->at += there;
    return there;
}

/* A month's number from its first three letters; 0 for none. */
static int month_at(Piece *rest) {
    static const char NAMES[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int month = 1; month <= 12; month++)
        if (begins_as(*rest, NAMES + (month - 1) * 3, 3)) {
            rest->at += 3;
            return month;
        }
    return 0;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March, so that leap days end them. */
static long long days_before(int year, int month, int day) {
    long long counted = year - (month <= 2);
    long long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 365 * counted + counted / 4 - counted / 100 + counted / 400 + of_year - 719468;
}

static int days_in(int year, int month) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && leap);
}

/* `Mon, 17 Nov 2025 10:00:00 +0100` as seconds since 1970; false for whatever is not written just so. */
static bool read_date(Piece rest, long long *seconds) {
    while (rest.at < rest.end && is_space(*rest.at))
        rest.at++;
    const char *comma = rest.at + 3;
    if (length(rest) > 4 && letters_end(rest.at, rest.end, 3) == comma && *comma == ',') {
        rest.at = comma + 1;
        while (rest.at < rest.end && is_blank(*rest.at))
            rest.at++;
    }
    bool two = length(rest) > 1 && is_digit(rest.at[1]);
    int day = number(&rest, two ? 2 : 1);
    if (day < 1 || !skip(&rest, ' '))
        return false;
    int month = month_at(&rest);
    if (!month || !skip(&rest, ' '))
        return false;
    int year = number(&rest, 4);
    if (year < 1970 || year > 2200 || day > days_in(year, month) || !skip(&rest, ' '))
        return false;
    int hour = number(&rest, 2);
    if (hour < 0 || hour > 23 || !skip(&rest, ':'))
        return false;
    int minute = number(&rest, 2);
    if (minute < 0 || minute > 59 || !skip(&rest, ':'))
        return false;
    int second = number(&rest, 2);
    if (second < 0 || second > 59 || !skip(&rest, ' ') || rest.at == rest.end)
        return false;
    char sign = *rest.at++;
    int ahead = number(&rest, 4);
    if ((sign != '+' && sign != '-') || ahead < 0)
        return false;
    int minutes = ahead / 100 * 60 + ahead % 100;
    if (minutes >= 24 * 60)
        return false;
    long long local = (days_before(year, month, day) * 24 + hour) * 60 + minute;
    *seconds = (local - (sign == '-' ? -minutes : minutes)) * 60 + second;
    return true;
}

PyDoc_STRVAR(date_doc, "date(value, /)\n--\n\nThe seconds since 1970 of a date that a field's raw value begins with.");

static PyObject *date(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece value;
    long long seconds;
    if (!bytes_of(argument, &value))
        return NULL;
    return read_date(value, &seconds) ? PyLong_FromLongLong(seconds) : decline();
}

PyDoc_STRVAR(stamp_doc, "stamp(value, /)\n--\n\nThe same of the date behind the last semicolon, as Received has it.");

static PyObject *stamp(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece value;
    long long seconds;
    if (!bytes_of(argument, &value))
        return NULL;
    const char *at = value.end;
    while (at > value.at && at[-1] != ';')
        at--;
    return read_date((Piece){at, value.end}, &seconds) ? PyLong_FromLongLong(seconds) : decline();
}

/* ---- subjects: _LEAD of mail/subject.py ----------------------------------------------------------------------- */

static const char *after_spaces(const char *at, const char *end) {
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* Where a mark ends that begins here: `[…]`, or `Re:` in some language; NULL where none does. */
static const char *mark_end(const char *at, const char *end) {
    static const char *const WORDS[] = {"re", "aw", "sv", "vs", "antw", "odp", "ynt", "fwd", "fw", "wg", "rv", "tr"};
    if (at < end && *at == '[') {
        const char *closing = memchr(at, ']', (size_t)(end - at));
        return closing ? closing + 1 : NULL;
    }
    for (size_t which = 0; which < sizeof WORDS / sizeof *WORDS; which++) {
        Py_ssize_t size = (Py_ssize_t)strlen(WORDS[which]);
        if (!begins_as((Piece){at, end}, WORDS[which], size))
            continue;
        const char *rest = at + size;
        if (rest < end && *rest == '[') {
            const char *digits = ++rest;
            while (rest < end && is_digit(*rest))
                rest++;
            if (rest == end || *rest != ']' || rest == digits || rest - digits > 4)
                continue;
            rest++;
        }
        if (rest < end && *rest != ':' && is_space(*rest))
            rest++;
        if (rest < end && *rest == ':')
            return rest + 1;
    }
    return NULL;
}

PyDoc_STRVAR(lead_doc, "lead(subject, /)\n--\n\nHow many characters of a subject come before its title.");

static PyObject *lead(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece subject;
    if (!ascii_of(argument, &subject))
        return not_plain();
    const char *at = subject.at, *mark;
    while ((mark = mark_end(after_spaces(at, subject.end), subject.end)))
        at = after_spaces(mark, subject.end);
    return PyLong_FromSsize_t(at - subject.at);
}

/* ---- trailers: _TAG of mail/patch.py -------------------------------------------------------------------------- */

/* The value of a line `Word-of-mine: value`, and its name; false where it is no such line. */
static bool trailer_at(Piece line, Piece *name, Piece *value) {
    const char *at = letters_end(line.at, line.end, 2);
    for (int groups = 0; at && groups < 5 && at < line.end && *at == '-'; groups++)
        at = letters_end(at + 1, line.end, 1);
    if (at == NULL || at == line.end || *at != ':')
        return false;
    *name = (Piece){line.at, at};
    const char *blanks = ++at;
    while (at < line.end && is_blank(*at))
        at++;
    if (at == blanks || at - blanks > 9 || at == line.end || is_space(*at))
        return false;
    *value = (Piece){at, line.end - at > 501 ? at + 501 : line.end};
    return true;
}

PyDoc_STRVAR(trailers_doc, "trailers(text, /)\n--\n\nName and value of each line that looks like a trailer.");

static PyObject *trailers(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece text, name, value;
    if (!utf8_of(argument, &text))
        return not_plain();
    PyObject *found = PyList_New(0);
    for (const char *at = text.at; found && at < text.end;) {
        const char *end = line_end(at, text.end);
        if (is_letter(*at) && trailer_at((Piece){at, end}, &name, &value)) {
            PyObject *one = Py_BuildValue("(s#s#)", name.at, length(name), value.at, length(value));
            if (one == NULL || PyList_Append(found, one) < 0)
                Py_CLEAR(found);
            Py_XDECREF(one);
        }
        at = end + 1;
    }
    return found;
}

/* ---- printable of chat/post.py -------------------------------------------------------------------------------- */

PyDoc_STRVAR(printable_doc, "printable(text, /)\n--\n\nWhether it has no character that nobody sees: "
                            "True, or None where that is not known.");

static PyObject *printable(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece text;
    if (!ascii_of(argument, &text))
        return not_plain();
    for (const char *at = text.at; at < text.end; at++)
        if ((*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
            return decline();
    Py_RETURN_TRUE;
}

/* ---- a sender's own words: without_quotes and own_words of mail/words.py --------------------------------------- */

/* A text that is being written; it has room for all that may come. */
typedef struct {
    char *at;
    Py_ssize_t size;
} Buffer;

/* Also a piece of the buffer itself, from further on. */
static void put(Buffer *buffer, Piece piece) {
    memmove(buffer->at + buffer->size, piece.at, (size_t)length(piece));
    buffer->size += length(piece);
}

static void put_character(Buffer *buffer, char c) { buffer->at[buffer->size++] = c; }

static bool is_quote(Piece line) {
    while (line.at < line.end && is_blank(*line.at))
        line.at++;
    return line.at < line.end && *line.at == '>';
}

/* Each run of quoted lines as one line, a lone `>`; all within the length of the body. */
static void write_unquoted(Piece body, Buffer *buffer) {
    static const char MARK[] = ">";
    bool quoting = false;
    for (const char *at = body.at;;) {
        const char *end = line_end(at, body.end);
        bool quoted = is_quote((Piece){at, end});
        if (!quoted || !quoting) {
            if (at > body.at)
                put_character(buffer, '\n');
            put(buffer, quoted ? (Piece){MARK, MARK + 1} : (Piece){at, end});
        }
        quoting = quoted;
        if (end == body.end)
            return;
        at = end + 1;
    }
}

/* The text before the first line that begins so. */
static Piece before_line(Piece text, const char *beginning, Py_ssize_t size) {
    for (const char *at = text.at; at < text.end; at = line_end(at, text.end) + 1)
        if (begins((Piece){at, text.end}, beginning, size))
            return (Piece){text.at, at};
    return text;
}

static Piece before_signature(Piece text) {
    text = before_line(text, "-- \n", 4);
    Py_ssize_t size = length(text);
    bool last = size >= 3 && memcmp(text.end - 3, "-- ", 3) == 0 && (size == 3 || text.end[-4] == '\n');
    return last ? (Piece){text.at, text.end - 3} : text;
}

/* Whether a line ends with `wrote:` behind 1 to 300 characters. */
static bool ends_with_wrote(Piece line) {
    const char *end = line.end;
    while (end > line.at && is_blank(end[-1]))
        end--;
    Py_ssize_t before = end - line.at - 6;
    return line.end - end <= 9 && before >= 1 && before <= 300 && memcmp(end - 6, "wrote:", 6) == 0;
}

/* The lone `>` below an attribution's last line, or below one blank line; NULL where it does not follow. */
static const char *quote_below(const char *end, const char *all) {
    if (all - end > 1 && end[1] == '\n')
        end++;
    return all - end > 1 && end[1] == '>' ? end + 1 : NULL;
}

/* The `>` below the attribution that begins here: `On …, … wrote:` on one line or two; NULL where none does. */
static const char *quote_attributed(const char *at, const char *all) {
    if (!BEGINS(((Piece){at, all}), "On "))
        return NULL;
    const char *quote, *end = line_end(at, all), *words = at + 3;
    if (end - words >= 1 && end - words <= 300 && end < all) {
        const char *second = line_end(end + 1, all);
        if (ends_with_wrote((Piece){end + 1, second}) && (quote = quote_below(second, all)))
            return quote;
    }
    return ends_with_wrote((Piece){words, end}) ? quote_below(end, all) : NULL;
}

/* The text without attributions and without the marks of quotes. */
static void write_unattributed(Piece text, Buffer *buffer) {
    for (const char *at = text.at;;) {
        const char *quote = *at == '>' ? at : *at == 'O' ? quote_attributed(at, text.end) : NULL;
        const char *from = quote ? quote + 1 : at, *end = line_end(from, text.end);
        put(buffer, (Piece){from, end});
        if (end == text.end)
            return;
        put_character(buffer, '\n');
        at = end + 1;
        if (at == text.end)
            return;
    }
}

/* The text with one blank line where there were more, blank at neither end; in its own place. */
static Piece one_blank_line(Piece text, char *room) {
    text = stripped(text);
    Buffer buffer = {room, 0};
    for (const char *at = text.at; at < text.end;) {
        const char *end = line_end(at, text.end);
        put(&buffer, (Piece){at, end});
        if (end == text.end)
            break;
        const char *last = end;
        int newlines = 0;
        for (const char *space = end; space < text.end && is_space(*space); space++)
            if (*space == '\n') {
                newlines++;
                last = space;
            }
        if (newlines < 3)
            last = end;
        else
            put_character(&buffer, '\n');
        put_character(&buffer, '\n');
        at = last + 1;
    }
    return (Piece){room, room + buffer.size};
}

PyDoc_STRVAR(said_doc, "said(body, limit, /)\n--\n\n"
                       "The body without quotes, and so many characters of the sender's own words in it.");

static PyObject *said(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count) {
    Piece body;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "said takes the body and the limit");
        return NULL;
    }
    Py_ssize_t limit = PyLong_AsSsize_t(arguments[1]);
    if (limit == -1 && PyErr_Occurred())
        return NULL;
    if (!utf8_of(arguments[0], &body))
        return not_plain();
    char *room = PyMem_Malloc((size_t)length(body) * 2 + 2); /* neither step makes it longer */
    if (room == NULL)
        return PyErr_NoMemory();
    Buffer unquoted = {room, 0}, unattributed = {room + length(body) + 1, 0};
    bool quotes = memchr(body.at, '>', (size_t)length(body)) != NULL;
    Piece own = body;
    PyObject *first;
    if (quotes) {
        write_unquoted(body, &unquoted);
        own = (Piece){room, room + unquoted.size};
        first = text_of(own);
    } else {
        first = Py_NewRef(arguments[0]);
    }
    own = before_signature(before_line(own, "diff --git ", 11));
    if (quotes && own.at < own.end) {
        write_unattributed(own, &unattributed);
        own = (Piece){unattributed.at, unattributed.at + unattributed.size};
    }
    own = one_blank_line(own, unattributed.at);
    PyObject *answer;
    if (length(own) > limit && PyUnicode_GetLength(arguments[0]) < length(body)) { /* characters are not bytes */
        Py_XDECREF(first);
        answer = decline();
    } else {
        Py_ssize_t size = length(own) > limit ? limit : length(own);
        answer = first ? Py_BuildValue("(Ns#)", first, own.at, size) : NULL;
    }
    PyMem_Free(room);
    return answer;
}

/* ---- diffs: read_diff of mail/diff.py ------------------------------------------------------------------------- */

/* What is being read: `told` gets a line for each file, `content` what its key is made of. */
typedef struct {
    Buffer told, content;
} Diff;

static void put_number(Buffer *buffer, long value) {
    char digits[24];
    int size = 0;
    do
        digits[size++] = (char)('0' + value % 10);
    while (value /= 10);
    while (size)
        put_character(buffer, digits[--size]);
}

/* A number of 1 to 9 digits; false where there is none, or a longer one. */
static bool digits_at(Piece *rest, long *value) {
    const char *from = rest->at;
    *value = 0;
    while (rest->at < rest->end && is_digit(*rest->at) && rest->at - from < 10)
        *value = *value * 10 + (*rest->at++ - '0');
    return rest->at > from && rest->at - from < 10;
}

/* A range `12,3` of a hunk: how many lines it has, one where it does not say. */
static bool range_at(Piece *rest, long *lines) {
    long first;
    if (!digits_at(rest, &first))
        return false;
    *lines = 1;
    return !skip(rest, ',') || digits_at(rest, lines);
}

typedef struct {
    long insertions, deletions, lines;
} Counts;

/* The lines that follow a hunk's first: how many begin with a plus, with a minus, and how many are of the file. */
static Counts count_lines(Piece hunk) {
    Counts counts = {0, 0, 0};
    for (const char *at = line_end(hunk.at, hunk.end); at < hunk.end; at = line_end(at + 1, hunk.end)) {
        char sign = hunk.end - at > 1 ? at[1] : '\0';
        counts.insertions += sign == '+';
        counts.deletions += sign == '-';
        counts.lines += sign != '\\';
    }
    return counts;
}

static bool agrees(Counts counts, long old, long new) {
    return counts.lines - counts.insertions == old && counts.lines - counts.deletions == new;
}

/* The last place where `\n-- \n` begins; NULL where it stands nowhere. */
static const char *signature_in(Piece hunk) {
    for (const char *at = hunk.end - 5; at >= hunk.at; at--)
        if (*at == '\n' && memcmp(at, "\n-- \n", 5) == 0)
            return at;
    return NULL;
}

/* Take in a hunk: what follows `@@ -`. False where it has not as many lines as it says. */
static bool read_hunk(Piece hunk, Counts *total, Diff *diff) {
    Piece rest = hunk;
    long old, new;
    if (!range_at(&rest, &old) || !skip(&rest, ' ') || !skip(&rest, '+') || !range_at(&rest, &new) ||
        !BEGINS(rest, " @@"))
        return false;
    Counts counts = count_lines(hunk);
    if (!agrees(counts, old, new)) { /* a signature follows, or blank lines */
        if (end_before(hunk.at, hunk.end, "+++ ", 4) < hunk.end)
            return false;
        const char *signed_at = signature_in(hunk);
        hunk.end = signed_at ? signed_at : hunk.end;
        counts = count_lines(hunk);
        if (!agrees(counts, old, new)) {
            while (hunk.at < hunk.end && hunk.end[-1] == '\n')
                hunk.end--;
            counts = count_lines(hunk);
            if (!agrees(counts, old, new))
                return false;
        }
    }
    const char *lines = line_end(hunk.at, hunk.end);
    if (lines == hunk.end)
        return false;
    put_character(&diff->content, '\0');
    put(&diff->content, (Piece){lines, hunk.end});
    total->insertions += counts.insertions;
    total->deletions += counts.deletions;
    return true;
}

/* What a `---` or `+++` line names: up to a tab, without blanks around it. */
static Piece named(Piece line) {
    Piece name = {line.at + 4, line.end};
    const char *tab = memchr(name.at, '\t', (size_t)length(name));
    return stripped(tab ? (Piece){name.at, tab} : name);
}

/* The file that the lines before its first hunk are about; false where they name several, or none. */
static bool read_path(Piece head, Piece *path) {
    enum { LONGEST = 1000 };
    const char *at = head.at;
    while (at < head.end && !is_space(*at))
        at++;
    if (at == head.at || at - head.at > LONGEST || at == head.end || *at != ' ')
        return false;
    *path = (Piece){at + 1, head.end};
    if (BEGINS(*path, "b/"))
        path->at += 2;
    for (at = path->at; at < head.end && !is_space(*at);)
        at++;
    path->end = at;
    if (at == path->at || length(*path) > LONGEST)
        return false;
    Piece old = {NULL, NULL}, new = {NULL, NULL}, before = {NULL, NULL};
    for (at = line_end(head.at, head.end); at < head.end;) {
        Piece line = {at + 1, line_end(at + 1, head.end)};
        if (BEGINS(line, "+++ ") && before.at && BEGINS(before, "--- ")) {
            if (new.at)
                return false;
            old = before;
            new = line;
        }
        before = line;
        at = line.end;
    }
    if (new.at) {
        Piece name = named(new);
        if (length(name) == 9 && BEGINS(name, "/dev/null"))
            name = named(old);
        if (BEGINS(name, "a/") || BEGINS(name, "b/"))
            name.at += 2;
        *path = name;
    }
    return path->at < path->end;
}

/* Take in a file: what follows `diff --git `. False where only the walk of diff.py can tell. */
static bool read_file(Piece file, Diff *diff) {
    static const char MARK[] = "@@ -";
    enum { SIZE = sizeof MARK - 1 };
    const char *at = end_before(file.at, file.end, MARK, SIZE);
    Piece path;
    if (!read_path((Piece){file.at, at}, &path))
        return false;
    if (diff->content.size)
        put_character(&diff->content, '\0');
    put(&diff->content, path);
    Counts total = {0, 0, 0};
    while (at < file.end) {
        const char *hunk = at + 1 + SIZE;
        at = end_before(hunk, file.end, MARK, SIZE);
        if (!read_hunk((Piece){hunk, at}, &total, diff))
            return false;
    }
    if (diff->told.size)
        put_character(&diff->told, '\n');
    put_number(&diff->told, total.insertions);
    put_character(&diff->told, ' ');
    put_number(&diff->told, total.deletions);
    put_character(&diff->told, ' ');
    put(&diff->told, path);
    return true;
}

/* Take in all files of a text. */
static bool read_files(Piece text, Diff *diff) {
    static const char MARK[] = "diff --git ";
    enum { SIZE = sizeof MARK - 1 };
    Piece before = before_line(text, MARK, SIZE);
    if (before_line(before, "+++ ", 4).end < before.end)
        return false; /* a diff that no git wrote */
    for (const char *at = before.end; at < text.end;) {
        const char *end = end_before(at, text.end, MARK, SIZE);
        if (!read_file((Piece){at + SIZE, end}, diff))
            return false;
        at = end + 1;
    }
    return true;
}

PyDoc_STRVAR(diff_doc, "diff(text, /)\n--\n\n"
                       "What the diff in a text does, a line for each file, and the bytes that its key is made of.");

static PyObject *diff(PyObject *Py_UNUSED(module), PyObject *argument) {
    Piece text;
    if (!utf8_of(argument, &text))
        return not_plain();
    /* What is told of a file is no longer than its path and two counts of its lines, each shorter than those lines; what
     * the key is made of stands in the text, with a character between for each line of marks that is left out.
     */
    size_t size = (size_t)length(text);
    char *room = PyMem_Malloc(size * 4 + 64);
    if (room == NULL)
        return PyErr_NoMemory();
    Diff found = {{room, 0}, {room + size * 2 + 32, 0}};
    PyObject *answer;
    if (read_files(text, &found))
        answer = Py_BuildValue("(s#y#)", found.told.at, found.told.size, found.content.at, found.content.size);
    else
        answer = decline();
    PyMem_Free(room);
    return answer;
}

/* ---- objects as differences: patched of sources/delta.py -------------------------------------------------------- */

/* The next number of a delta: seven bits in each byte, the lowest first; four bytes are more than any here may have. */
static bool delta_number(const unsigned char **at, const unsigned char *end, size_t *number) {
    *number = 0;
    for (int shift = 0; shift < 28 && *at < end; shift += 7) {
        unsigned char byte = *(*at)++;
        *number |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Up to `count` bytes of a number of which only those stand there that `present` has a bit for, the lowest first. */
static bool delta_bytes(const unsigned char **at, const unsigned char *end, int present, int count, size_t *number) {
    *number = 0;
    for (int i = 0; i < count; i++) {
        if (present >> i & 1) {
            if (*at == end)
                return false;
            unsigned char byte = *(*at)++;
            *number |= (size_t)byte << 8 * i;
        }
    }
    return true;
}

/* Follow a delta's orders, after its two sizes: copy from the base, or insert what stands here. */
static bool delta_applied(Piece base, const unsigned char *at, const unsigned char *end, char *to, size_t room) {
    while (at < end) {
        size_t from, size;
        int order = *at++;
        const char *source;
        if (order & 0x80) {
            if (!delta_bytes(&at, end, order, 4, &from) || !delta_bytes(&at, end, order >> 4, 3, &size))
                return false;
            size = size ? size : 0x10000;
            if (from > (size_t)length(base) || size > (size_t)length(base) - from)
                return false;
            source = base.at + from;
        } else {
            size = (size_t)order;
            if (size == 0 || size > (size_t)(end - at))
                return false;
            source = (const char *)at;
            at += size;
        }
        if (size > room)
            return false;
        memcpy(to, source, size);
        to += size;
        room -= size;
    }
    return room == 0;
}

PyDoc_STRVAR(patched_doc, "patched(base, delta, limit, /)\n--\n\n"
                          "What a delta makes of its base: patched of sources/delta.py. None above the limit.");

static PyObject *patched(PyObject *Py_UNUSED(module), PyObject *arguments) {
    Py_buffer base, delta;
    Py_ssize_t limit;
    PyObject *made = NULL;
    if (!PyArg_ParseTuple(arguments, "y*y*n", &base, &delta, &limit))
        return NULL;
    const unsigned char *at = delta.buf, *end = at + delta.len;
    const char *from = base.buf;
    size_t before, after;
    if (delta_number(&at, end, &before) && delta_number(&at, end, &after) && before == (size_t)base.len &&
        after > 0 && after <= (size_t)limit) {
        made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)after);
        if (made && !delta_applied((Piece){from, from + base.len}, at, end, PyBytes_AsString(made), after))
            Py_CLEAR(made);
    }
    PyBuffer_Release(&base);
    PyBuffer_Release(&delta);
    return made ? made : not_plain();
}

/* ---------------------------------------------------------------------------------------------------------------- */

static PyMethodDef METHODS[] = {
    {"fields", (PyCFunction)(void (*)(void))fields, METH_FASTCALL, fields_doc},
    {"ids", ids, METH_O, ids_doc},
    {"date", date, METH_O, date_doc},
    {"stamp", stamp, METH_O, stamp_doc},
    {"lead", lead, METH_O, lead_doc},
    {"trailers", trailers, METH_O, trailers_doc},
    {"printable", printable, METH_O, printable_doc},
    {"said", (PyCFunction)(void (*)(void))said, METH_FASTCALL, said_doc},
    {"diff", diff, METH_O, diff_doc},
    {"patched", patched, METH_VARARGS, patched_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot SLOTS[] = {{0, NULL}};

static struct PyModuleDef MODULE = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "chatbot._scan",
    .m_doc = "Plain mails, scanned; see scan.py.",
    .m_size = 0,
    .m_methods = METHODS,
    .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__scan(void) { return PyModuleDef_Init(&MODULE); }
