# The commands of a day; CMake does the work.
#   make run       build, and start the daemon on loopback with a small configuration: as a filter, and alone on port 2525
#                  (SMTP_PORT=2526: on another)
#   make test      build, and run every test
#   make build     build/release/sekishod and build/release/sekisho
#   make install   install what was built (as root; DESTDIR and PREFIX are honoured)
#   make asan, make tsan        every test under the sanitizers
#   make fuzz SECONDS=120       every fuzz target for so long
#   make crash ROUNDS=200       store, daemon and queue, killed so often, and ten to fifty times as many power failures played
#   make readers FIELDS=20000   From fields through the filter and both MTAs, as public readers then show them
#   make alone     every scenario of the laboratory through the daemon alone
#   make load      10,000 idle clients of the daemon alone, and slow, greedy and mad ones, by strict limits: on a quiet machine
#   make no-memory ROUNDS=66    so many starts of the daemon while allocations fail
#   make histories HISTORIES=100000  generated histories of a recipient, and next hops of a message
#   make texts     write milter.conf.example and the key section of man/milter.conf.5 from the table of keys
PREFIX ?= /usr
JOBS ?= $(shell nproc)
ROUNDS ?= 200
FIELDS ?= 20000
HISTORIES ?= 100000
SCRIPTS ?= 1000
# Three slots a core: a busy test takes three of them, and a laboratory, which waits most of its time, one.
SLOTS ?= $(shell echo $$(($(JOBS) * 3)))
CTEST ?= ctest --output-on-failure -j $(SLOTS)
CMAKE_ARGS ?=

.PHONY: build run test install deps-build deps-test asan tsan fuzz crash readers alone load no-memory histories texts clean

build: deps-build
	cmake --preset release -DSEKISHO_TESTS=OFF $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS)

run: build
	tests/deps/run-on-loopback build/release

test: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS)
	$(CTEST) --test-dir build/release

asan tsan: deps-test
	cmake --preset $@ $(CMAKE_ARGS)
	cmake --build build/$@ -j $(JOBS)
	$(CTEST) --test-dir build/$@ -LE 'bench|lint'

fuzz: deps-test
	tests/fuzz/run $(SECONDS)

crash: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target sekishod sekisho spool_kill spool_power spool_tables queue_power slow_disk
	build/release/tests/crash/spool_kill --rounds $(ROUNDS)
	build/release/tests/crash/spool_power --points $$(($(ROUNDS) * 50))
	build/release/tests/crash/spool_tables --points $$(($(ROUNDS) * 50))
	build/release/tests/crash/queue_power --points $$(($(ROUNDS) * 10))
	tests/crash/queue_kill.py --build build/release --rounds $(ROUNDS)
	for mta in postfix sendmail; do tests/crash/daemon_kill.py --build build/release --mta $$mta --rounds $(ROUNDS) || exit; done

readers: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target sekishod
	for mta in postfix sendmail; do tests/readers/invariant.py --build build/release --mta $$mta --fields $(FIELDS) || exit; done

alone: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target sekishod sekisho
	tests/integration/run.py --build build/release --mta sekisho --jobs $(JOBS)

load: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target sekishod
	tests/integration/smtp_load.py --build build/release --strict --idle 10000 --idle-tls 10000 --slow 2000 --greedy 200 --flood 32 \
	  --seats 40 --rounds 20 --quiet 10

no-memory: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target sekishod sekisho failing_memory
	for kinds in new all; do tests/crash/no_memory.py --sekishod build/release/sekishod --sekisho build/release/sekisho \
	  --failing-memory build/release/tests/crash/libfailing_memory.so --rounds $(ROUNDS) --messages 600 --kinds $$kinds || exit; done

histories: deps-test
	cmake --preset release -DSEKISHO_TESTS=ON $(CMAKE_ARGS)
	cmake --build build/release -j $(JOBS) --target unit_queue
	SEKISHO_HISTORIES=$(HISTORIES) SEKISHO_SCRIPTS=$(SCRIPTS) build/release/tests/unit_queue --gtest_filter='QueueState.*:QueueModel.*'

texts:
	cmake --build build/release --target generate_texts
	build/release/tests/generate_texts example > build/texts.new && cp build/texts.new milter.conf.example
	build/release/tests/generate_texts man man/milter.conf.5 > build/texts.new && cp build/texts.new man/milter.conf.5

install:
	cmake --install build/release --prefix $(PREFIX)

deps-build:
	tests/deps/install runtime build

deps-test:
	tests/deps/install

clean:
	rm -rf build
